"""The life of a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.logger import FileLogObserver, ILogObserver, Logger, globalLogBeginner
from twisted.python.failure import Failure

from glancetx.assemble import Server, assemble
from glancetx.config import make_settings
from glancetx.logs import lines
from glancetx.metrics.monitor import Monitor
from glancetx.registry_source import joined_registry
from glancetx.share import Share
from glancetx.workers.messages import Lines, Message, decode, encode
from glancetx.workers.monitor import METRICS, STANDINGS
from glancetx.workers.outlet import Outlet
from glancetx.workers.sockets import Heir
from glancetx.workers.turns import AskedTurns

_log = Logger()


class Worker(Protocol):
    """
    Serves, and does what its supervisor tells it.

    ``order`` is from `Supervisor`; ``rest`` is what has come behind it.
    ``status`` is that of the process when it ends.
    """

    status = 0
    transport: Any

    def __init__(self, reactor: Any, order: Mapping[str, Any], rest: bytes) -> None:
        self._reactor = reactor
        self._order = order
        self._rest = rest
        self._lines = Lines()
        self._turns = AskedTurns(self._say)
        self._server: Server | None = None
        self._drain = 0.0
        self._starting: Deferred[None] = Deferred()
        self._is_ending = self._is_cut_off = False

    def run(self, status: int) -> None:
        """Serve until told otherwise; what is said goes to the descriptor ``status``."""
        standard_io: Any = StandardIO  # its type depends on the platform
        standard_io(self, 0, status, self._reactor)
        # The reactor sets handlers of its own when it begins to run; ours come after them.
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()

    # -- the supervisor

    def connectionMade(self) -> None:
        observer: ILogObserver
        if self._order["log"] is None:
            observer = outlet = Outlet(self._say)
            self.transport.registerProducer(outlet, True)
        else:
            log = open(self._order["log"], "w", encoding="utf-8")
            kind = self._order["said"].get("log_format", "text")
            observer = FileLogObserver(log, lines(kind, self._order["number"]))
        globalLogBeginner.beginLoggingTo([observer])

    def dataReceived(self, data: bytes) -> None:
        for line in self._lines.cut(data):
            self._told(decode(line))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._is_cut_off:
            self._reactor.stop()
        else:
            # The supervisor has died; nobody would end us, and others will clear up behind us.
            os._exit(1)

    def _say(self, *message: Any) -> None:
        self.transport.write(encode(message))

    def _told(self, message: Message | None) -> None:
        match message:
            case ["stop"]:
                self._stop()
            case ["retire"]:
                self._retire()
            case ["hurry"]:
                self._hurry()
            case ["turn"]:
                self._turns.granted()
            case ["ask", str(what)] if self._server is not None:
                ensureDeferred(self._answer(self._server.monitor, what))
            case ["deleted", str(image_id)] if self._server is not None:
                self._server.deleted_elsewhere(image_id)

    async def _answer(self, monitor: Monitor, what: str) -> None:
        """Tell the supervisor what it asks for, also while it does not take what is logged."""
        said = None
        try:
            if what == METRICS:
                said = (await monitor.measure()).to_json()
            elif what == STANDINGS:
                said = await monitor.standings()
        except Exception:  # noqa: BLE001 - without an answer we would not be asked again
            _log.failure("what the supervisor asks cannot be told")
        self._say("answer", what, said)

    # -- life

    def _begin(self) -> None:
        # The terminal's signals are meant for the supervisor, which ends us in order.
        for number in signal.SIGINT, signal.SIGHUP:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._reactor.callFromThread(self._stop))
        self._starting = ensureDeferred(self._start())
        self.dataReceived(self._rest)

    async def _start(self) -> None:
        try:
            self._server = self._assemble()
            await self._server.start()
        except CancelledError:
            _log.info("stopped while starting")
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator has to know
            self.status = 1
            self._say("failed", str(error) or type(error).__name__)
            self._reactor.callLater(0, self._stop)
        else:
            self._say("ready")

    def _assemble(self) -> Server:
        order = self._order
        settings = make_settings(order["said"])
        self._drain = settings.drain
        share = Share(
            number=order["number"],
            workers=order["workers"],
            listening=Heir(self._reactor, order["descriptors"]),
            turns=self._turns,
            buckets=order["buckets"],
            tell_deleted=lambda image_id: self._say("deleted", image_id),
        )
        source = joined_registry(self._reactor, order["registry"], share.workers)
        return assemble(self._reactor, settings, share, source)

    def _stop(self) -> None:
        if self._is_ending:
            # It has retired, and now there is no more time than those have who only stop now.
            self._reactor.callLater(self._drain, self._hurry)
            return
        self._end(lambda server: server.stop())

    def _retire(self) -> None:
        if not self._is_ending:
            self._end(lambda server: server.retire())

    def _hurry(self) -> None:
        if self._server is not None:
            self._server.hurry()

    def _end(self, how: Any) -> None:
        self._is_ending = True
        self._starting.cancel()
        ending = ensureDeferred(self._close(how))
        ending.addErrback(lambda failure: _log.failure("the end failed", failure))
        ending.addBoth(lambda _: self._cut_off())

    async def _close(self, how: Any) -> None:
        await self._starting
        if self._server is not None:
            await how(self._server)

    def _cut_off(self) -> None:
        """Say what has not been said yet, and nothing more."""
        self._is_cut_off = True
        if self._server is not None:
            self._say("answer", METRICS, self._server.monitor.book().to_json())
        self.transport.unregisterProducer()
        self.transport.loseConnection()
