"""What stands between the network and the use-cases, and what works behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.application.service import IService
from twisted.internet.defer import DeferredSemaphore

from glancetx.cache.cache import ImageCache
from glancetx.config import Settings
from glancetx.interfaces import IAuthenticator, IRegistry, Observer
from glancetx.metrics import parts
from glancetx.metrics.monitor import Monitor
from glancetx.notifying import Notifiers
from glancetx.parts import make_deletions, make_janitor, make_recognition, make_tending
from glancetx.reception import Reception
from glancetx.rights import Rights
from glancetx.share import Share
from glancetx.shelf import Shelf
from glancetx.streams import Metering
from glancetx.threads import Threads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.caching import CachedDownloads, Deleting, Downloading, EvictingDeletions
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.copy import Copies
from glancetx.usecases.download import Downloads
from glancetx.usecases.janitor import Janitor
from glancetx.usecases.members import Members
from glancetx.usecases.prefetch import Prefetch
from glancetx.usecases.sources import Sources
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.upload import Uploads
from glancetx.web.gate import Gate
from glancetx.web.root import Front, Root
from glancetx.web.site import StreamingSite
from glancetx.web.v1.cached import CachedV1
from glancetx.web.v1.elsewhere import Elsewhere
from glancetx.web.v1.images import ImagesV1
from glancetx.web.v1.members import MembersV1
from glancetx.web.v1.permissions import Permissions
from glancetx.web.v1.uploading import Receiver
from glancetx.web.v1.writing import WritingV1


@frozen
class Frontage:
    """The parts of a server that are made when its registry is open."""

    site: StreamingSite
    transfers: Transfers
    copies: Copies
    janitor: Janitor
    tending: IService
    prefetch: Prefetch | None

    def watched_by(
        self,
        monitor: Monitor,
        registry: IRegistry,
        hashing: Sequence[Threads],
        cache: ImageCache | None,
    ) -> None:
        """Let a monitor see what they, and those behind them, count by themselves."""
        monitor.watch(
            parts.site(self.site),
            parts.work(self.transfers, self.copies, self.janitor),
            parts.registry(registry),
            parts.hashing(*hashing),
            parts.cache(cache),
        )


@frozen(kw_only=True)
class Foundation:
    """
    What a server is made of while its registry is not open yet.

    ``hashing`` are the threads that hash, ``foremost`` the one for an upload that is alone.
    """

    reactor: Any
    settings: Settings
    share: Share
    reception: Reception
    shelf: Shelf
    authenticator: IAuthenticator
    rights: Rights
    hashing: Threads
    foremost: Threads
    cache: ImageCache | None
    notifiers: Notifiers

    def frontage(self, registry: IRegistry, observer: Observer) -> Frontage:
        """What serves requests with this registry, and works behind them; nothing is begun yet."""
        settings, clock, shelf, reception = self.settings, self.reactor, self.shelf, self.reception
        limits = settings.limits
        metering = Metering(self.hashing, settings.digests, foremost=self.foremost)
        slots = reception.slots()
        announce = Announcements(self.notifiers.notifiers, settings.default_publisher_id)
        transfers = Transfers(clock, registry, settings.transfer_lease, self.share.tell_deleted)
        deletions = make_deletions(settings, registry, shelf, transfers, announce)
        uploads = Uploads(registry, transfers, metering, limits, announce, observer)
        rights = self.rights
        permissions = Permissions(rights.policy, rights.protections)
        turns = self.share.turns or DeferredSemaphore(settings.copy_concurrency)
        most = reception.traffic.max_copies
        copies = Copies(clock, uploads, transfers, limits, turns, most=most)
        sources = Sources(registry, shelf, limits, announce)
        catalogue = Catalogue(registry, limits, rights.protections, announce)
        receiver = Receiver(uploads, shelf)
        elsewhere = Elsewhere(sources, copies, receiver)
        downloads: Downloading = Downloads(shelf, observer)
        deleting: Deleting = deletions
        prefetch = None
        if self.cache is not None:
            cached = CachedDownloads(downloads, self.cache, settings.image_cache_bypass)
            prefetch = Prefetch(clock, registry, cached, self.cache)
            downloads, deleting = cached, EvictingDeletions(deletions, self.cache)
        v1 = ImagesV1(
            catalogue,
            WritingV1(catalogue, receiver, elsewhere, permissions, limits, slots),
            downloads,
            deleting,
            MembersV1(Members(registry, limits), permissions),
            CachedV1(self.cache, permissions),
            permissions,
            clock,
            reception.idle_timeout,
            announce,
            slots,
        )
        recognition = make_recognition(settings, rights.policy)
        rate = reception.rate(clock)
        gate = Gate(v1.app.resource(), self.authenticator, recognition, rate)
        root = Root(gate, Front(settings.public_endpoint, settings.enable_v1_api))
        janitor = make_janitor(clock, settings, registry, shelf, deletions)
        return Frontage(
            reception.site(root, clock, observer),
            transfers,
            copies,
            janitor,
            make_tending(clock, settings, registry, shelf, janitor),
            prefetch,
        )
