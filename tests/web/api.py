"""A whole API in memory, for tests of the web floor."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import DeferredSemaphore
from twisted.internet.task import Clock
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource

from glancetx.access import OPERATOR, Caller
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import UNOBSERVED, Observer
from glancetx.limits import Limits, Traffic
from glancetx.policy.enforcer import Policy
from glancetx.policy.protections import Protections
from glancetx.policy.rules import compile_rules
from glancetx.reception import Reception
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.streams import Metering
from glancetx.testing.http import MemoryClient, Response
from glancetx.testing.threads import InlineThreads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.caching import CachedDownloads, Deleting, Downloading, EvictingDeletions
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.copy import Copies
from glancetx.usecases.delete import Deletions
from glancetx.usecases.download import Downloads
from glancetx.usecases.janitor import Janitor
from glancetx.usecases.members import Members
from glancetx.usecases.prefetch import Prefetch
from glancetx.usecases.recognition import Recognition
from glancetx.usecases.sources import Sources
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.upload import Uploads
from glancetx.web.forwarded import Proxies
from glancetx.web.gate import Gate
from glancetx.web.request import streaming
from glancetx.web.root import Front, Root
from glancetx.web.site import NO_PROXIES, StreamingSite
from glancetx.web.v1.cached import CachedV1
from glancetx.web.v1.elsewhere import Elsewhere
from glancetx.web.v1.images import ImagesV1
from glancetx.web.v1.members import MembersV1
from glancetx.web.v1.permissions import Permissions
from glancetx.web.v1.uploading import Receiver
from glancetx.web.v1.writing import WritingV1
from tests.told import Told

FORMATS = {
    "Content-Type": "application/octet-stream",
    "x-image-meta-disk_format": "raw",
    "x-image-meta-container_format": "bare",
}


def policy(**rules: object) -> Policy:
    """A policy that is as shipped but for these rules."""
    compiled = compile_rules(rules)
    return Policy(lambda: compiled)


#: Whatever is limited has its own tests.
UNLIMITED = Traffic(
    max_connections=0,
    max_connections_per_address=0,
    max_transfers=0,
    max_copies=0,
    client_header_timeout=0,
    client_header_idle_timeout=0,
    request_rate=0,
    request_burst=0,
)

#: Tests need no admin for a public image.
EVERYBODY_PUBLISHES = policy(publicize_image="@")


@define
class Api:
    """
    The server, everything in memory and its time a `Clock`.

    Every request is made by ``caller``, who may be changed at any time, unless there is an
    ``authenticator``.
    With a ``cache`` downloads go through it, and `prefetch` looks at its queue when it is told to.
    ``more_stores`` stand on the shelf behind the default one.
    """

    limits: Limits = field(factory=Limits)
    front: Front = field(factory=Front)
    idle_timeout: float | None = 60.0
    clock: Clock = field(factory=Clock)
    store: Any = None
    registry: Any = None
    caller: Caller = OPERATOR
    more_stores: tuple[ShelvedStore, ...] = ()
    metering_memory: int = 24 << 20
    scrub_time: float | None = None
    policy: Policy = EVERYBODY_PUBLISHES
    protections: Protections = field(factory=Protections)
    authenticator: Any = None
    recognition: Recognition = field(factory=Recognition)
    cache: Any = None
    told: Told = field(factory=Told)
    traffic: Traffic = UNLIMITED
    proxies: Proxies = NO_PROXIES
    observer: Observer = UNOBSERVED
    prefetch: Prefetch = field(init=False)
    transfers: Transfers = field(init=False)
    copies: Copies = field(init=False)
    janitor: Janitor = field(init=False)
    site: StreamingSite = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = self.store or MemoryStore(self.clock)
        self.registry = self.registry or MemoryRegistry(self.clock)
        default = ShelvedStore("file", self.store, frozenset({"file", "filesystem"}))
        shelf = Shelf([default, *self.more_stores])
        metering = Metering(InlineThreads(), memory=self.metering_memory)
        announce = Announcements([self.told], now=self.clock.seconds)
        self.transfers = Transfers(self.clock, self.registry)
        deletions = Deletions(self.registry, shelf, self.transfers, self.scrub_time, announce)
        self.janitor = Janitor(self.clock, self.registry, shelf, deletions)
        uploads = Uploads(
            self.registry, self.transfers, metering, self.limits, announce, self.observer
        )
        permissions = Permissions(self.policy, lambda: self.protections)
        turns = DeferredSemaphore(4)
        self.copies = Copies(
            self.clock,
            uploads,
            self.transfers,
            self.limits,
            turns,
            jitter=lambda: 1.0,
            most=self.traffic.max_copies,
        )
        sources = Sources(self.registry, shelf, self.limits, announce)
        catalogue = Catalogue(self.registry, self.limits, lambda: self.protections, announce)
        receiver = Receiver(uploads, shelf)
        elsewhere = Elsewhere(sources, self.copies, receiver)
        downloads: Downloading = Downloads(shelf, self.observer)
        deleting: Deleting = deletions
        if self.cache is not None:
            cached = CachedDownloads(downloads, self.cache)
            self.prefetch = Prefetch(self.clock, self.registry, cached, self.cache)
            downloads, deleting = cached, EvictingDeletions(deletions, self.cache)
        reception = Reception(self.traffic, self.proxies, self.idle_timeout)
        slots = reception.slots()
        v1 = ImagesV1(
            catalogue,
            WritingV1(catalogue, receiver, elsewhere, permissions, self.limits, slots),
            downloads,
            deleting,
            MembersV1(Members(self.registry, self.limits), permissions),
            CachedV1(self.cache, permissions),
            permissions,
            self.clock,
            self.idle_timeout,
            announce,
            slots,
        )
        behind = v1.app.resource()
        if self.authenticator is None:
            gate = Gate(_AsCaller(self, behind), Everybody(), self.recognition)
        else:
            rate = reception.rate(self.clock)
            gate = Gate(behind, self.authenticator, self.recognition, rate)
        root = Root(gate, self.front)
        self.site = reception.site(root, self.clock, self.observer)

    def connect(self, send_buffer: int | None = None) -> MemoryClient:
        """A new connection, whose client takes everything at once if it has no ``send_buffer``."""
        return MemoryClient(self.site, send_buffer)

    def request(self, method: str, path: str, headers: Any = None, body: Any = None) -> Response:
        """One request on a connection of its own."""
        return self.connect().request(method, path, headers, body)


class _AsCaller(Resource):
    """Stands for whatever an authenticator would have found out."""

    isLeaf = True

    def __init__(self, api: Api, v1: IResource) -> None:
        super().__init__()
        self._api = api
        self._v1 = v1

    def render(self, request: IRequest) -> bytes | int:
        streaming(request).caller = self._api.caller
        answer: bytes | int = self._v1.render(request)
        return answer
