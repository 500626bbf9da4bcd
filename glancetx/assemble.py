"""Settings → objects. Every mistake an operator can make is found before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import IService
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger

from glancetx.config import Settings
from glancetx.front import Foundation, Frontage
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import IReloadable
from glancetx.listening import address_text, server_endpoints
from glancetx.metrics.monitor import Monitor
from glancetx.parts import (
    make_authenticator,
    make_cache,
    make_notifiers,
    make_shelf,
)
from glancetx.reception import certificates_of, make_reception
from glancetx.registry_source import RegistrySource, registry_source
from glancetx.rights import make_rights
from glancetx.share import WHOLE, Share
from glancetx.threads import Threads
from glancetx.usecases.readiness import Readiness

#: Seconds that transfers which were cut off get to clear up at shutdown.
CLEARING_UP = 30.0

#: Seconds for which a connection may have been idle when whoever retires closes it.
GRACE = 5.0

_log = Logger()


def assemble(
    reactor: Any, settings: Settings, share: Share = WHOLE, source: RegistrySource | None = None
) -> Server:
    """
    A server that has opened nothing yet; it does its share with the registry from ``source``.

    :raises ConfigError: with one sentence about the first mistake in the settings.
    """
    rights = make_rights(reactor, settings, Threads(reactor, "policy", 1))
    identity = make_authenticator(reactor, settings)
    is_open = settings.allow_open or not isinstance(identity, Everybody)
    endpoints = server_endpoints(share.listening or reactor, settings.listen, is_open=is_open)
    source = source or registry_source(reactor, settings.registry, settings.data)
    shelf = make_shelf(reactor, settings)
    hashing = Threads(reactor, "hash", share.hash_threads)
    foremost = Threads(reactor, "hash-foremost", 1, niceness=0)
    cache = make_cache(reactor, settings, shelf, hashing)
    notifiers, reception = make_notifiers(reactor, settings), make_reception(settings, share)
    made = Foundation(
        reactor=reactor,
        settings=settings,
        share=share,
        reception=reception,
        shelf=shelf,
        authenticator=identity,
        rights=rights,
        hashing=hashing,
        foremost=foremost,
        cache=cache,
        notifiers=notifiers,
    )
    return Server(made, endpoints, source)


@define
class Server:
    """The running whole: parts are started one after the other, and stopped in reverse."""

    _made: Foundation
    _endpoints: Sequence[IStreamServerEndpoint]
    _source: RegistrySource
    monitor: Monitor = field(init=False)
    #: Fires with a failure when it cannot go on: never, for a server lives as long as its process.
    broken: Deferred[None] = field(factory=Deferred, init=False)
    _services: list[IService] = field(factory=list, init=False)
    _ports: list[IListeningPort] = field(factory=list, init=False)
    _front: Frontage | None = field(default=None, init=False)
    _cleaning: Deferred[Any] = field(factory=Deferred, init=False)

    @monitor.default
    def _new_monitor(self) -> Monitor:
        return Monitor(self._made.reactor, self._made.share.name)

    async def start(self) -> None:
        """Open the registry and the stores, and then listen."""
        self._start(self._made.notifiers)
        registry = await self._source.open()
        self._start(self._made.hashing)
        self._start(self._made.foremost)
        stores = (shelved.store for shelved in self._made.shelf)
        parts = (*stores, self._made.cache, self._made.authenticator, self._made.rights.files)
        for part in (*parts, *certificates_of(self._endpoints)):
            if IService.providedBy(part):
                self._start(IService(part))
        self._front = self._made.frontage(registry, self.monitor.recorder)
        threads = self._made.hashing, self._made.foremost
        self._front.watched_by(self.monitor, registry, threads, self._made.cache)
        readiness = Readiness(
            self._made.reactor, registry, self._made.authenticator, self._made.shelf
        )
        self.monitor.depend(readiness)
        if self._made.share.tends:
            self.monitor.sum_up(registry, self._made.cache)
            self._front.tending.startService()
            if self._front.prefetch is not None:
                self._start(self._front.prefetch)
        for endpoint in self._endpoints:
            port = await endpoint.listen(self._front.site)
            self._ports.append(port)
            if self._made.share.is_all:
                _log.info("listening on {address}", address=address_text(port.getHost()))

    async def reload(self) -> None:
        """Read again what operators change while the daemon runs."""
        stores = (shelved.store for shelved in self._made.shelf)
        parts = (*stores, self._made.authenticator, self._made.rights.files)
        for part in (*parts, *certificates_of(self._endpoints)):
            if IReloadable.providedBy(part):
                await IReloadable(part).reload()
        await self._made.notifiers.reload()

    async def stop(self) -> None:
        """Give notice (``drain_notice``), let transfers end (``drain``), and close everything."""
        if self._front is not None:
            await self._front.site.give_notice(self._made.settings.drain_notice)
        await self._stop_listening()
        if self._front is not None:
            copying = ensureDeferred(self._front.copies.drain(self._made.settings.drain))
            await self._front.site.drain(self._made.settings.drain)
            await copying
        await self._close()

    async def retire(self) -> None:
        """
        As `stop`, while somebody else serves whoever comes again.

        Transfers may take as long as they do, and who keeps his connection is told to close it.
        """
        await self._stop_listening()
        if self._front is not None:
            await self._front.site.drain(None, GRACE)
            # Only now can nobody ask for a copy any more.
            await self._front.copies.drain(None)
        await self._close()

    def hurry(self) -> None:
        """While it ends: cut off what is being waited for."""
        self._made.notifiers.cut()
        if self._front is not None:
            self._front.copies.cut()
            self._front.site.cut()

    def deleted_elsewhere(self, image_id: str) -> None:
        """Another process has deleted an image."""
        if self._front is not None:
            self._front.transfers.deleted_elsewhere(image_id)

    async def _stop_listening(self) -> None:
        self.monitor.retire()
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        if self._front is not None:
            # Whoever comes after us has one of his own.
            self._cleaning = maybeDeferred(self._front.tending.stopService)

    async def _close(self) -> None:
        if self._front is not None:
            await self._cleaning
            idle = self._front.transfers.idle()
            idle.addTimeout(CLEARING_UP, self._made.reactor)
            await idle.addErrback(lambda _: _log.warn("transfers are left to the janitor"))
            self._front.transfers.abandon()
        for service in reversed(self._services):
            await maybeDeferred(service.stopService)
        await self._source.close()

    def _start(self, service: IService) -> None:
        service.startService()
        self._services.append(service)
