"""Settings → objects. Every mistake an operator can make is found before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import IService
from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger

from glancetx.cache.cache import ImageCache
from glancetx.config import Settings
from glancetx.front import Frontage
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import IAuthenticator, IRegistry, IReloadable
from glancetx.listening import address_text, server_endpoints
from glancetx.metrics.monitor import Monitor
from glancetx.notifying import Notifiers
from glancetx.parts import (
    make_authenticator,
    make_cache,
    make_deletions,
    make_janitor,
    make_notifiers,
    make_recognition,
    make_shelf,
    make_tending,
)
from glancetx.reception import Reception, certificates_of, make_reception
from glancetx.registry_source import RegistrySource, registry_source
from glancetx.rights import Rights, make_rights
from glancetx.share import WHOLE, Share
from glancetx.shelf import Shelf
from glancetx.streams import Metering
from glancetx.threads import Threads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.caching import CachedDownloads, Deleting, Downloading, EvictingDeletions
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.copy import Copies
from glancetx.usecases.download import Downloads
from glancetx.usecases.members import Members
from glancetx.usecases.prefetch import Prefetch
from glancetx.usecases.readiness import Readiness
from glancetx.usecases.sources import Sources
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.upload import Uploads
from glancetx.web.gate import Gate
from glancetx.web.root import Front, Root
from glancetx.web.v1.cached import CachedV1
from glancetx.web.v1.elsewhere import Elsewhere
from glancetx.web.v1.images import ImagesV1
from glancetx.web.v1.members import MembersV1
from glancetx.web.v1.permissions import Permissions
from glancetx.web.v1.uploading import Receiver
from glancetx.web.v1.writing import WritingV1

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
    cache = make_cache(reactor, settings, shelf, hashing)
    reception = make_reception(settings, share)
    parts = shelf, identity, rights, hashing, cache, make_notifiers(reactor, settings)
    return Server(reactor, settings, share, reception, endpoints, source, *parts)


@define
class Server:
    """The running whole: parts are started one after the other, and stopped in reverse."""

    _reactor: Any
    _settings: Settings
    _share: Share
    _reception: Reception
    _endpoints: Sequence[IStreamServerEndpoint]
    _source: RegistrySource
    _shelf: Shelf
    _authenticator: IAuthenticator
    _rights: Rights
    _hashing: Threads
    _cache: ImageCache | None
    _notifiers: Notifiers
    monitor: Monitor = field(init=False)
    #: Fires with a failure when it cannot go on: never, for a server lives as long as its process.
    broken: Deferred[None] = field(factory=Deferred, init=False)
    _services: list[IService] = field(factory=list, init=False)
    _ports: list[IListeningPort] = field(factory=list, init=False)
    _front: Frontage | None = field(default=None, init=False)
    _cleaning: Deferred[Any] = field(factory=Deferred, init=False)

    @monitor.default
    def _new_monitor(self) -> Monitor:
        return Monitor(self._reactor, self._share.name)

    async def start(self) -> None:
        """Open the registry and the stores, and then listen."""
        self._start(self._notifiers)
        registry = await self._source.open()
        self._start(self._hashing)
        stores = (shelved.store for shelved in self._shelf)
        parts = (*stores, self._cache, self._authenticator, self._rights.file)
        for part in (*parts, *certificates_of(self._endpoints)):
            if IService.providedBy(part):
                self._start(IService(part))
        self._front = self._assemble(registry, Metering(self._hashing, self._settings.digests))
        self._front.watched_by(self.monitor, registry, self._hashing, self._cache)
        readiness = Readiness(self._reactor, registry, self._authenticator, self._shelf)
        self.monitor.depend(readiness)
        if self._share.tends:
            self.monitor.sum_up(registry, self._cache)
            self._front.tending.startService()
            if self._front.prefetch is not None:
                self._start(self._front.prefetch)
        for endpoint in self._endpoints:
            port = await endpoint.listen(self._front.site)
            self._ports.append(port)
            if self._share.is_all:
                _log.info("listening on {address}", address=address_text(port.getHost()))

    async def reload(self) -> None:
        """Read again what operators change while the daemon runs."""
        stores = (shelved.store for shelved in self._shelf)
        parts = (*stores, self._authenticator, self._rights.file)
        for part in (*parts, *certificates_of(self._endpoints)):
            if IReloadable.providedBy(part):
                await IReloadable(part).reload()
        await self._notifiers.reload()

    async def stop(self) -> None:
        """Give notice (``drain_notice``), let transfers end (``drain``), and close everything."""
        if self._front is not None:
            await self._front.site.give_notice(self._settings.drain_notice)
        await self._stop_listening()
        if self._front is not None:
            copying = ensureDeferred(self._front.copies.drain(self._settings.drain))
            await self._front.site.drain(self._settings.drain)
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
        self._notifiers.cut()
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
            idle.addTimeout(CLEARING_UP, self._reactor)
            await idle.addErrback(lambda _: _log.warn("transfers are left to the janitor"))
            self._front.transfers.abandon()
        for service in reversed(self._services):
            await maybeDeferred(service.stopService)
        await self._source.close()

    def _start(self, service: IService) -> None:
        service.startService()
        self._services.append(service)

    def _assemble(self, registry: IRegistry, metering: Metering) -> Frontage:
        settings, clock, observer = self._settings, self._reactor, self.monitor.recorder
        limits = settings.limits
        slots = self._reception.slots()
        announce = Announcements(self._notifiers.notifiers, settings.default_publisher_id)
        transfers = Transfers(clock, registry, settings.transfer_lease, self._share.tell_deleted)
        deletions = make_deletions(settings, registry, self._shelf, transfers, announce)
        uploads = Uploads(registry, transfers, metering, limits, announce, observer)
        rights = self._rights
        permissions = Permissions(rights.policy, rights.protections)
        turns = self._share.turns or DeferredSemaphore(settings.copy_concurrency)
        most = self._reception.traffic.max_copies
        copies = Copies(clock, uploads, transfers, limits, turns, most=most)
        sources = Sources(registry, self._shelf, limits, announce)
        catalogue = Catalogue(registry, limits, rights.protections, announce)
        receiver = Receiver(uploads, self._shelf)
        elsewhere = Elsewhere(sources, copies, receiver)
        downloads: Downloading = Downloads(self._shelf, observer)
        deleting: Deleting = deletions
        prefetch = None
        if self._cache is not None:
            cached = CachedDownloads(downloads, self._cache, settings.image_cache_bypass)
            prefetch = Prefetch(clock, registry, cached, self._cache)
            downloads, deleting = cached, EvictingDeletions(deletions, self._cache)
        v1 = ImagesV1(
            catalogue,
            WritingV1(catalogue, receiver, elsewhere, permissions, limits, slots),
            downloads,
            deleting,
            MembersV1(Members(registry, limits), permissions),
            CachedV1(self._cache, permissions),
            permissions,
            clock,
            self._reception.idle_timeout,
            announce,
            slots,
        )
        recognition = make_recognition(settings, rights.policy)
        rate = self._reception.rate(clock)
        gate = Gate(v1.app.resource(), self._authenticator, recognition, rate)
        root = Root(gate, Front(settings.public_endpoint, settings.enable_v1_api))
        janitor = make_janitor(clock, settings, registry, self._shelf, deletions)
        return Frontage(
            self._reception.site(root, clock, observer),
            transfers,
            copies,
            janitor,
            make_tending(clock, settings, registry, self._shelf, janitor),
            prefetch,
        )
