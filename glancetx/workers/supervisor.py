"""The process that starts workers and serves nobody itself."""

from __future__ import annotations

import os
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger

from glancetx.config import ConfigError, Configuration, Settings, make_settings
from glancetx.files import Descriptor
from glancetx.listening import server_endpoints
from glancetx.registry_source import RegistrySource, registry_source
from glancetx.share import worker_count
from glancetx.web.rates import new_buckets
from glancetx.workers.child import WorkerFailed, WorkerProcess, spawn
from glancetx.workers.crew import Crew, Order, Worker
from glancetx.workers.messages import Message
from glancetx.workers.monitor import CrewMonitor
from glancetx.workers.sockets import Binder, numbered
from glancetx.workers.turns import Turns

#: What all workers of one daemon have in common for as long as it lives.
LASTING = ("data", "registry", "listen", "workers", "metrics", "log_format")

_log = Logger()


def supervise(
    reactor: Any,
    configuration: Configuration,
    settings: Settings,
    workers: int,
    log: int | None = None,
) -> Supervisor:
    """
    A supervisor of so many workers, which has opened nothing yet.

    ``log`` is a descriptor that workers may write their log to, or None when it is all to go
    through the supervisor, which costs three times as much.

    :raises ConfigError: with one sentence about a mistake in the configuration.
    """
    source = registry_source(reactor, settings.registry, settings.data, workers)
    return Supervisor(reactor, configuration, settings, workers, source, log)


class Supervisor:
    """
    Keeps what belongs to the daemon and not to one of its workers: registry and listening sockets.

    What concerns all workers goes through it: whose turn it is to copy, and what was deleted.
    How often projects ask is in memory that it made, and all of them share.
    """

    def __init__(
        self,
        reactor: Any,
        configuration: Configuration,
        settings: Settings,
        workers: int,
        source: RegistrySource,
        log: int | None,
    ) -> None:
        self._reactor = reactor
        self._configuration = configuration
        self._said = configuration.read()
        self._settings = settings
        self._size = workers
        self._source = source
        self._log = log
        self._sockets = Binder(reactor, workers)
        # Now, because a daemon may leave the directory where certificates are; whether everybody
        # may be served has been asked already.
        self._endpoints = server_endpoints(self._sockets, settings.listen, is_open=True)
        self._buckets = Descriptor(new_buckets())
        self._turns = Turns(settings.copy_concurrency, lambda worker: worker.tell("turn"))
        self._crew = Crew(reactor, workers, self._hire)
        self.monitor = CrewMonitor(reactor, self._crew.living)
        self._directory = os.getcwd()
        self._handing_over: Deferred[None] | None = None
        self._is_up = self._is_asked_again = False

    @property
    def broken(self) -> Deferred[None]:
        """Fires with `WorkerFailed` when it cannot go on."""
        return self._crew.broken

    async def start(self) -> None:
        """
        Open the registry, then the sockets, and then let workers serve.

        :raises Exception: when any of these is not to be had.
        """
        await self._source.open()
        await self._sockets.open(self._settings.listen, self._endpoints)
        await self._crew.start(self._said)
        for address in self._sockets.addresses:
            _log.info("listening on {address}", address=address)
        self._is_up = True
        if self._is_asked_again:
            ensureDeferred(self.reload())

    async def reload(self) -> None:
        """
        Read the configuration again, and give each worker a successor that goes by it.

        If they are just starting, or being succeeded, it will be done afterwards.
        """
        self._is_asked_again = self._handing_over is not None or not self._is_up
        if self._is_asked_again:
            return
        self._handing_over = ensureDeferred(self._hand_over())
        try:
            await self._handing_over
        except (ConfigError, WorkerFailed) as error:
            _log.error("workers without a successor stay as they are: {error}", error=error)
        except CancelledError:
            return  # we are stopping
        finally:
            self._handing_over = None
        if self._is_asked_again:
            await self.reload()

    async def stop(self) -> None:
        """Let the workers end, and then close what they used."""
        if self._handing_over is not None:
            self._handing_over.cancel()
        await self._sockets.close()
        await self._crew.stop(self._settings.drain_notice + self._settings.drain)
        await self._source.close()

    def hurry(self) -> None:
        """Let workers not wait for transfers."""
        self._crew.hurry()

    async def _hand_over(self) -> None:
        said = self._configuration.read()
        for name in LASTING:
            if said.get(name) != self._said.get(name):
                _log.warn("a new {name!r} has to wait for a restart", name=name)
                said.pop(name, None)
        said.update({name: self._said[name] for name in LASTING if name in self._said})
        settings = make_settings({**said, "data": str(self._settings.data)})
        worker_count(evolve(settings, workers=self._size))
        await self._crew.hand_over(said)
        self._said, self._settings = said, settings
        self._turns.at_once = settings.copy_concurrency
        _log.info("all workers have been succeeded")

    def _hire(self, number: int, said: Order) -> Worker:
        descriptors, numbers = numbered(self._sockets.handed_to(number), self._sockets.fixed)
        buckets = max([2, *descriptors]) + 1
        descriptors[buckets] = self._buckets.number
        log = None
        if self._log is not None:
            log = buckets + 1
            descriptors[log] = self._log
        order = {
            "number": number,
            "log": log,
            "workers": self._size,
            "supervisor": os.getpid(),
            "reactor": type(self._reactor).__module__,
            "directory": self._directory,
            "registry": self._source.address,
            "descriptors": numbers,
            "buckets": buckets,
            "is_activated": bool(self._sockets.fixed),
            "said": {**said, "data": str(self._settings.data)},
        }
        worker = WorkerProcess(number, order, self._heard)
        worker.ended().addCallback(lambda _: self._turns.gone(worker))
        worker.ended().addCallback(lambda _: self.monitor.gone(worker))
        return spawn(self._reactor, worker, descriptors)

    def _heard(self, worker: WorkerProcess, message: Message) -> None:
        match message:
            case ["turn"]:
                self._turns.asked_by(worker)
            case ["done"]:
                self._turns.returned_by(worker)
            case ["answer", str(what), said]:
                self.monitor.answered(worker, what, said)
            case ["deleted", str(image_id)]:
                for other in self._crew.others(worker):
                    other.tell("deleted", image_id)
