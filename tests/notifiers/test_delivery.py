"""What is brought to a receiver, in which order, and what is lost."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.httpclient import Backoff
from glancetx.notifiers import delivery as module
from glancetx.notifiers.delivery import Bounds, Delivery, Message, NotNow, Refused
from tests.web.case import logged_events


class Receiver:
    """Takes what is posted, or raises the next of its ``troubles``, or lets the post wait."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.posts = 0
        self.troubles: list[Exception] = []
        self.is_slow = False
        self.waiting: list[tuple[str, Deferred[None]]] = []

    async def post(self, message: Message) -> None:
        self.posts += 1
        if self.is_slow:
            done: Deferred[None] = Deferred()
            self.waiting.append((message.message_id, done))
            await done
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append(message.message_id)

    def answer(self, index: int = 0) -> None:
        """Answer one of the posts that wait."""
        self.waiting.pop(index)[1].callback(None)


class DeliveryCase(SynchronousTestCase):
    """A delivery that was started, on a clock, without luck in its pauses."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.receiver = Receiver()
        self.events = logged_events(self)
        self.delivery = self.make(Bounds(most=5, lanes=2, patience=100))

    def make(self, bounds: Bounds) -> Delivery:
        backoff = Backoff(self.clock, wait=1.0, longest=8.0, jitter=lambda: 1.0)
        delivery = Delivery(self.clock, self.receiver.post, "http://receiver", bounds, backoff)
        delivery.startService()
        return delivery

    def take(self, *messages: str) -> None:
        """Messages as ``a1``: of image ``a``, the first."""
        for each in messages:
            self.delivery.take(Message(each[0], each, b"{}"))

    def logged(self, fragment: str) -> list[str]:
        texts = [event["log_format"].format(**event) for event in self.events]
        return [text for text in texts if fragment in text]

    def assert_at_rest(self) -> None:
        """Nothing waits, and nothing is to happen any more."""
        self.assertEqual(self.delivery.waiting, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OrderTests(DeliveryCase):
    """When messages go."""

    def test_later(self) -> None:
        """Whoever brings one does not wait: not even the post begins."""
        self.take("a1")
        self.assertEqual(self.receiver.posts, 0)
        self.clock.advance(0)
        self.assertEqual(self.receiver.taken, ["a1"])
        self.assert_at_rest()

    def test_one_image(self) -> None:
        """Those of one image go one after the other, also when one has to go again."""
        self.receiver.troubles = [NotNow("so"), NotNow("so")]
        self.take("a1", "a2", "a3")
        self.clock.pump([0, 1, 2])
        self.assertEqual(self.receiver.taken, ["a1", "a2", "a3"])
        self.assertEqual(self.receiver.posts, 5)
        self.assert_at_rest()

    def test_lanes(self) -> None:
        """Those of other images do not wait for them, as long as there are lanes."""
        self.receiver.is_slow = True
        self.take("a1", "a2", "d1")
        self.clock.advance(0)
        self.assertEqual([name for name, _ in self.receiver.waiting], ["a1", "d1"])
        self.receiver.answer(1)
        self.assertEqual(self.receiver.taken, ["d1"])
        self.receiver.answer()
        self.receiver.answer()
        self.assertEqual(self.receiver.taken, ["d1", "a1", "a2"])

    def test_again(self) -> None:
        """What comes when all has gone goes, too."""
        for each in ("a1", "a2"):
            self.take(each)
            self.clock.advance(0)
        self.assertEqual(self.receiver.taken, ["a1", "a2"])


class TroubleTests(DeliveryCase):
    """A receiver that does not take what it is given."""

    def test_pauses(self) -> None:
        """The pauses grow, and those of the next message go on where the last one's ended."""
        self.receiver.troubles = [NotNow("so")] * 4
        self.take("a1")
        self.clock.advance(0)
        pauses = []
        while self.receiver.troubles or not self.receiver.taken:
            (call,) = self.clock.getDelayedCalls()
            pauses.append(call.getTime() - self.clock.seconds())
            self.clock.advance(pauses[-1])
        self.assertEqual(pauses, [1, 2, 4, 8])

    def test_told_once(self) -> None:
        """The log tells that it began, and that it is over."""
        self.receiver.troubles = [NotNow("status 500")] * 3
        self.take("a1", "d1")
        self.clock.pump([0, 1, 2, 4])
        self.assertEqual(len(self.logged("wait: status 500")), 1)
        self.assertEqual(len(self.logged("takes notifications again")), 1)

    def test_refused(self) -> None:
        """What is refused is lost, and the next one goes."""
        self.receiver.troubles = [Refused("refused with status 400")]
        self.take("a1", "a2")
        self.clock.advance(0)
        self.assertEqual((self.receiver.taken, self.delivery.losses.total), (["a2"], 1))
        self.assertEqual(len(self.logged("refused with status 400")), 1)
        self.assert_at_rest()

    def test_bug(self) -> None:
        """So it is when posting it fails for a reason of our own."""
        self.receiver.troubles = [RuntimeError("a bug")]
        self.take("a1", "a2")
        self.clock.advance(0)
        self.assertEqual((self.receiver.taken, self.delivery.losses.total), (["a2"], 1))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_gives_up(self) -> None:
        """What was not taken in its time is lost; what came later has still time."""
        self.receiver.troubles = [NotNow("so")] * 1000
        self.take("a1")
        self.clock.pump([1] * 60)
        self.take("a2")
        self.clock.pump([1] * 50)
        self.assertEqual((self.delivery.losses.total, self.delivery.waiting), (1, 1))
        self.receiver.troubles.clear()
        self.clock.pump([1] * 8)
        self.assertEqual(self.receiver.taken, ["a2"])
        self.assert_at_rest()

    def test_old(self) -> None:
        """What has waited for too long behind others is not even posted."""
        self.receiver.is_slow = True
        self.take("a1", "a2")
        self.clock.advance(0)
        self.clock.advance(100)
        self.receiver.answer()
        self.assertEqual((self.receiver.taken, self.receiver.posts), (["a1"], 1))
        self.assertEqual(self.delivery.losses.total, 1)
        self.assert_at_rest()


class RoomTests(DeliveryCase):
    """How much may wait."""

    def test_full(self) -> None:
        """When too many wait, the newest are lost; the log tells it once in a minute."""
        self.receiver.is_slow = True
        self.take(*(f"a{number}" for number in range(8)))
        self.assertEqual((self.delivery.waiting, self.delivery.losses.total), (5, 3))
        self.assertEqual(len(self.logged("are lost")), 1)
        self.clock.advance(60)
        self.take("a8")
        self.assertEqual(
            len(self.logged("3 more notifications for http://receiver are lost, 4")), 1
        )
        self.receiver.is_slow = False
        self.receiver.answer()
        self.assertEqual(self.receiver.taken, [f"a{number}" for number in range(5)])
        self.take("d1")
        self.clock.advance(0)
        self.assertEqual(self.receiver.taken[-1], "d1")

    def test_bytes(self) -> None:
        """So it is when they have too many bytes."""
        self.patch(module, "MOST_BYTES", 10)
        self.delivery.take(Message("a", "a1", bytes(8)))
        self.delivery.take(Message("b", "d1", bytes(3)))
        self.delivery.take(Message("c", "c1", bytes(2)))
        self.clock.advance(0)
        self.assertEqual(sorted(self.receiver.taken), ["a1", "c1"])
        self.delivery.take(Message("b", "b2", bytes(10)))
        self.clock.advance(0)
        self.assertEqual(self.receiver.taken[-1], "b2")


class EndTests(DeliveryCase):
    """The end of the daemon."""

    def test_nothing_waits(self) -> None:
        """It ends at once, and takes nothing more."""
        self.successResultOf(self.delivery.stopService())
        self.take("a1")
        self.assertEqual(self.delivery.losses.total, 1)
        self.assert_at_rest()

    def test_drains(self) -> None:
        """What waits goes first, tried again where that is needed."""
        self.receiver.troubles = [NotNow("so")]
        self.take("a1", "a2", "d1")
        stopping = self.delivery.stopService()
        self.assertNoResult(stopping)
        self.clock.pump([0, 1])
        self.successResultOf(stopping)
        self.assertEqual(sorted(self.receiver.taken), ["a1", "a2", "d1"])

    def test_out_of_time(self) -> None:
        """When there is no more time, what waits is lost, and counted in the log."""
        self.receiver.is_slow = True
        self.take("a1", "a2", "d1")
        self.clock.advance(0)
        self.receiver.troubles = [NotNow("so")]
        self.receiver.answer(1)  # that of d now pauses
        stopping = self.delivery.stopService()
        stopping.cancel()
        self.successResultOf(stopping)
        self.assertEqual(self.delivery.losses.total, 3)
        self.assertEqual(len(self.logged("3 by now: the daemon ends")), 1)
        self.assert_at_rest()
