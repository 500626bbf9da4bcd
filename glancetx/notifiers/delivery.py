"""A queue with an end, and whoever brings what is in it to a receiver, as often as it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from zlib import crc32

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from glancetx.httpclient import Backoff
from glancetx.notifiers.losses import Losses

#: Bytes of all that waits, at most.
MOST_BYTES = 16 << 20


class NotNow(Exception):
    """The receiver did not take a message, and may take it later; the text may be logged."""


class Refused(Exception):
    """The receiver will never take a message; the text may be logged."""


@frozen
class Message:
    """What is brought: a document of JSON about one image, with an id of its own."""

    image_id: str
    message_id: str
    body: bytes = field(repr=False)


@frozen
class Bounds:
    """
    At most ``most`` messages wait, each for ``patience`` seconds.

    ``lanes`` of them are on their way at the same time.
    """

    most: int = 1000
    lanes: int = 4
    patience: float = 300.0


class Delivery(Service):
    """
    Brings messages by ``post``, which raises `NotNow` or `Refused` when one was not taken.

    The messages of one image share a lane, in which each waits until the one before it was taken or
    is lost: so they arrive in their order.
    A message whose answer got lost is posted again, so one may arrive twice, but none that arrived
    is forgotten while the process lives.
    When it is stopped it takes nothing more, and ends when nothing waits; the Deferred of that may
    be cancelled, and what still waits is lost.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        post: Callable[[Message], Awaitable[None]],
        receiver: str,
        bounds: Bounds | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.losses = Losses(clock, receiver)
        self._clock = clock
        self._post = post
        self._receiver = receiver
        self._bounds = bounds or Bounds()
        self._backoff = backoff or Backoff(clock)
        self._lanes = [_Lane() for _ in range(self._bounds.lanes)]
        self._count = self._size = 0
        self._is_troubled = False
        self._idle: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """How many messages have not arrived yet."""
        return self._count

    def take(self, message: Message) -> None:
        """Bring a message soon; one for which there is no room is lost."""
        if not self.running:
            self.losses.add("the daemon ends")
            return
        if self._count >= self._bounds.most or self._size + len(message.body) > MOST_BYTES:
            self.losses.add("too many wait")
            return
        self._count += 1
        self._size += len(message.body)
        lane = self._lanes[crc32(message.image_id.encode("utf-8")) % len(self._lanes)]
        lane.waiting.append(_Waiting(message, self._clock.seconds() + self._bounds.patience))
        if lane.work is None:
            lane.work = ensureDeferred(self._empty(lane))

    def stopService(self) -> Deferred[None]:
        """Fires when nothing waits any more."""
        super().stopService()
        done: Deferred[None] = Deferred(lambda _: self._give_up())
        self._idle = done
        self._look_whether_idle()
        return done

    async def _empty(self, lane: _Lane) -> None:
        try:
            # Whoever brings a message waits for an answer of his own.
            await deferLater(self._clock, 0)
            while lane.waiting:
                await self._bring(lane, lane.waiting[0])
                self._drop(lane)
        except CancelledError:
            lost = len(lane.waiting)
            while lane.waiting:
                self._drop(lane)
            self.losses.add("the daemon ends", lost)
        finally:
            lane.work = None
            self._look_whether_idle()

    async def _bring(self, lane: _Lane, waiting: _Waiting) -> None:
        """Returns when the message has arrived, or is lost."""
        while True:
            if self._clock.seconds() >= waiting.deadline:
                self.losses.add("not taken in time")
                return
            try:
                await self._post(waiting.message)
            except NotNow as error:
                self._tell_trouble(error)
            except Refused as error:
                self.losses.add(str(error))
                return
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 - the others must not wait for this one
                self._log.failure("a notification cannot be posted")
                self.losses.add("Internal error")
                return
            else:
                lane.failures = 0
                self._tell_relief()
                return
            lane.failures += 1
            await self._backoff.pause(lane.failures)

    def _drop(self, lane: _Lane) -> None:
        message = lane.waiting.popleft().message
        self._count -= 1
        self._size -= len(message.body)

    def _give_up(self) -> None:
        for lane in self._lanes:
            if lane.work is not None:
                lane.work.cancel()

    def _look_whether_idle(self) -> None:
        if self._idle is None or any(lane.work is not None for lane in self._lanes):
            return
        idle, self._idle = self._idle, None
        self.losses.tell()
        if not idle.called:
            idle.callback(None)

    def _tell_trouble(self, error: NotNow) -> None:
        if not self._is_troubled:
            self._is_troubled = True
            self._log.warn(
                "notifications for {receiver} wait: {error}", receiver=self._receiver, error=error
            )

    def _tell_relief(self) -> None:
        if self._is_troubled:
            self._is_troubled = False
            self._log.info("{receiver} takes notifications again", receiver=self._receiver)


@frozen
class _Waiting:
    """A message, and until when it is posted, in the clock's seconds."""

    message: Message
    deadline: float


@define
class _Lane:
    """Messages that go one after the other, and the work on them while there are any."""

    waiting: deque[_Waiting] = field(factory=deque)
    failures: int = 0
    work: Deferred[None] | None = None
