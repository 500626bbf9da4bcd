"""``twistd glance``: what twistd asks of a plugin, and the life of the daemon."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from glancetx import __version__
from glancetx.config import ConfigError
from glancetx.options import Options
from glancetx.service_manager import ServiceManager

__all__ = ["Options", "makeService"]

STANDARD_OUTPUT = 1


def makeService(options: Options) -> Service:
    """
    The service that twistd runs; nothing but the lock on the data directory is open yet.

    :raises SystemExit: with one sentence when the configuration is wrong.
    """
    from twisted.internet import reactor

    # Klein installs a reactor, so what imports it must wait until twistd has chosen one.
    from glancetx.assemble import assemble
    from glancetx.clocks import keep_steady
    from glancetx.data_directory import claim
    from glancetx.heap import keep_freed_memory
    from glancetx.listening import web_address
    from glancetx.logs import observer_of
    from glancetx.metrics.listener import Listener, Monitored
    from glancetx.share import worker_count
    from glancetx.workers.supervisor import supervise

    keep_steady(reactor)
    keep_freed_memory()
    settings = options.settings
    try:
        workers = worker_count(settings)
        # Also for workers, who would find mistakes later.
        monitored: Monitored = assemble(reactor, settings)
        if workers > 1:
            log = STANDARD_OUTPUT if _logs_there(options.parent) else None
            monitored = supervise(reactor, options.configuration, settings, workers, log)
        server: Serving = monitored
        if settings.metrics is not None:
            server = Listener(reactor, settings.metrics, monitored)
        observer = observer_of(reactor, settings.log_format, options.parent)
        claim(settings.data)
    except ConfigError as error:
        raise SystemExit(f"twistd glance: {error}") from None
    addresses = ", ".join(web_address(each) for each in settings.listen)
    say = _print if settings.log_format == "text" else _log_plainly
    say(f"glancetx {__version__} listens on {addresses} and keeps its data in {settings.data}")
    if settings.registry.rstrip(":") == "memory":
        say("The registry is in memory: every record is lost when the daemon ends.")
    return Daemon(reactor, server, ServiceManager.of(os.environ), observer)


def _print(sentence: str) -> None:
    print(sentence, flush=True)


def _log_plainly(sentence: str) -> None:
    """For a log in JSON, in which nothing else may stand."""
    Logger(namespace="glancetx.daemon").info("{sentence}", sentence=sentence)


def _logs_there(twistd: Any) -> bool:
    """Whether twistd, by its own options, logs to standard output."""
    elsewhere = twistd["syslog"] or twistd["logger"] or twistd["logfile"] not in (None, "-")
    return bool(twistd["nodaemon"] and not elsewhere)


class Serving(Protocol):
    """What a daemon starts and stops: a server, or the supervisor of several."""

    @property
    def broken(self) -> Deferred[None]:
        """Fires with a failure when it cannot go on."""

    async def start(self) -> None:
        """Returns when it serves."""

    async def reload(self) -> None:
        """Read again what operators change while it serves."""

    async def stop(self) -> None:
        """Returns when everything is closed; also while it starts, or could not."""

    def hurry(self) -> None:
        """While it stops: cut off what is being waited for."""


class Daemon(Service):
    """
    Starts the server after twistd has forked, and stops it in order.

    SIGTERM and SIGINT end the process with status 0, however often they come; from the second one
    on what runs is not waited for.
    SIGHUP makes the server read again what operators change meanwhile.
    A server that cannot start, or cannot go on, ends it with status 1.
    The service manager is told when it serves, reloads and stops.
    ``observer`` is what writes the log, or None when twistd does.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        server: Serving,
        manager: ServiceManager,
        observer: ILogObserver | None = None,
    ) -> None:
        self._reactor = reactor
        self._server = server
        self._manager = manager
        self._observer = observer
        self._starting: Deferred[None] = succeed(None)
        self._is_ending = self._serves = False
        self._reloads = 0

    def setServiceParent(self, parent: Any) -> None:
        """Called by twistd with its application, before it begins to log."""
        super().setServiceParent(parent)
        if self._observer is not None:
            parent.setComponent(ILogObserver, self._observer)

    def startService(self) -> None:
        super().startService()
        # The reactor sets handlers of its own when it begins to run; ours come after them.
        self._reactor.callWhenRunning(self._heed_signals)
        self._starting = ensureDeferred(self._start())

    def stopService(self) -> Deferred[None]:
        """Fires when everything is closed."""
        super().stopService()
        self._is_ending = True
        self._starting.cancel()
        return self._starting.addCallback(lambda _: ensureDeferred(self._server.stop()))

    async def _start(self) -> None:
        try:
            await self._server.start()
        except CancelledError:
            self._log.info("stopped while starting")
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator has to know
            self._fail("cannot start", error)
        else:
            self._log.info("glancetx {version} is ready", version=__version__)
            self._serves = True
            self._manager.ready()
            self._server.broken.addErrback(self._give_up)

    def _give_up(self, failure: Failure) -> None:
        self._fail("gives up", failure.value)

    def _fail(self, what: str, error: object) -> None:
        self._log.critical("glancetx {what}: {error}", what=what, error=error)
        atexit.register(_exit_in_failure, f"twistd glance: {what}: {error}")
        self._end()

    def _heed_signals(self) -> None:
        """Twistd's own handlers let the process die of the signal, and fail at the second one."""
        for number in signal.SIGTERM, signal.SIGINT:
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._told_to_end))
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self._told_to_reload))

    def _told_to_end(self) -> None:
        if self._is_ending:
            self._log.info("told to stop at once")
            self._server.hurry()
            return
        self._log.info("told to stop")
        self._end()

    def _told_to_reload(self) -> None:
        if not self._is_ending:
            reloading = ensureDeferred(self._reload())
            reloading.addErrback(lambda failure: self._log.failure("cannot reload", failure))

    async def _reload(self) -> None:
        self._reloads += 1
        if self._serves:
            self._manager.reloading()
        try:
            await self._server.reload()
        finally:
            self._reloads -= 1
            # One that was asked for meanwhile may have left its work to another.
            if self._serves and not self._is_ending and not self._reloads:
                self._manager.ready()

    def _end(self) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._manager.stopping()
            self._reactor.callWhenRunning(self._reactor.stop)


def _exit_in_failure(sentence: str) -> None:
    """Twistd ends with status 0 after its reactor has run; whoever started us must know better."""
    # Twistd sends sys.stderr to the log.
    print(sentence, file=sys.__stderr__)
    for stream in sys.stdout, sys.__stdout__, sys.__stderr__:
        if stream is not None:
            stream.flush()
    os._exit(1)
