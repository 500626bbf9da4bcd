"""
Every port of glancetx; the docstring is the contract.

Interfaces promise awaitables, so that an author may write coroutines or return Deferreds.
Whatever is promised here is tested by the public suites in `glancetx.testing`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping

from twisted.internet.interfaces import IConsumer
from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

from glancetx.access import Identity
from glancetx.change import Change
from glancetx.image import Image, Status
from glancetx.member import Member, Shares
from glancetx.query import ImageQuery
from glancetx.quota import Room


class IByteStream(Interface):
    """
    The bytes of one image on the move.

    A stream is poured once, into one consumer.
    Authors who would rather not meet consumers use `glancetx.streams.chunks` and
    `glancetx.streams.from_chunks`.
    """

    length: int | None = Attribute("How many bytes will come, or None when nobody knows.")

    def flow_to(consumer: IConsumer) -> Awaitable[None]:
        """
        Pour everything into the consumer.

        Registers itself as a push producer, writes, and always unregisters.
        Between ``pauseProducing`` and ``resumeProducing`` nothing is written.
        It always ends: after the last byte, by an error of the source, or by cancellation, which
        stops the source.

        :raises ConsumerGone: when the consumer called ``stopProducing``.
        :raises BodyCutShort: when a client's body ended before its time.
        :raises StoreError: when a store broke while giving.
        """


class IReadableStore(Interface):
    """
    Gives the bytes of images.

    A store that has a life of its own (threads, connections) also provides
    `twisted.application.service.IService`: the daemon starts it before the first request and
    stops it after the last.
    """

    def open(key: str, offset: int = 0, length: int | None = None) -> Awaitable[IByteStream]:
        """
        A stream of the bytes from ``offset`` on, at most ``length`` of them.

        Every refusal comes here, before the first byte.
        ``length`` of the stream is what will really come, as the store knows it now.

        :raises NoSuchData: when there is nothing under this key.
        :raises RangeOutside: when ``offset`` is beyond the end (at the end is an empty stream).
        :raises StoreUnavailable: when the store cannot be reached; a later try may succeed.
        """


class IForeignStore(IReadableStore):
    """Reads what users name by a location, which is also the key for `open`."""

    def check(location: str) -> None:
        """
        Refuse what can be refused without the network.

        :raises SourceNotSupported: when users may not name locations of this scheme.
        :raises InvalidLocation: when it is malformed, or leads where we do not go.
        """

    def probe(location: str) -> Awaitable[int | None]:
        """
        The size in bytes of what is there now, or None when the source does not tell.

        :raises SourceNotSupported: as `check`.
        :raises InvalidLocation: as `check`, or when it cannot be reached.
        :raises SourceNotFound: when the source has nothing there.
        :raises SourceRefused: when the source answers by any other error or strange redirect.
        """


class IStore(IReadableStore):
    """Keeps the bytes of images, all of an image or nothing."""

    def add(image_id: str, data: IByteStream) -> Awaitable[str]:
        """
        Keep all of data, durably, and return the key under which `open` finds it.

        All or nothing: when data fails, or this is cancelled, nothing is left behind.
        It does not count or hash: whoever calls it has wrapped data for that.
        When it refuses, it has not touched data, or stops it.

        :raises DataExists: when bytes of this image are kept already; they are left as they are.
        :raises StoreFull: when the medium has no room.
        :raises StoreForbids: when the medium denies writing.
        :raises StoreReadOnly: when the store was set up not to take images.
        :raises StoreUnavailable: when the store cannot be reached.
        """

    def delete(key: str) -> Awaitable[None]:
        """
        Remove the bytes under this key.

        :raises NoSuchData: when there are none, also the second time.
        :raises DataInUse: when something else depends on them.
        :raises StoreForbids: when the medium denies it.
        :raises StoreUnavailable: when the store cannot be reached.
        """

    def discard(image_id: str) -> Awaitable[None]:
        """
        Remove whatever an `add` for this image may have left, finished or not.

        Called when a daemon died before it could record a key or clean up after itself.
        Nothing there is a success.

        :raises StoreUnavailable: when the store cannot be reached; the caller comes again.
        """


class IStoreMaker(IPlugin):
    """What is looked up among the Twisted plugins: a kind of store that can be made."""

    kind: str = Attribute("The first word of a description string that asks for this store.")
    schemes: tuple[str, ...] = Attribute(
        "Names by which API users may ask for a store of this kind, besides its own name."
    )
    foreign: bool = Attribute(
        "Whether a location that an API user names may be read through it. http: yes, file: never."
    )
    help: str = Attribute("Its description string and options, for --help-stores.")

    def make(reactor: object, *args: str, **options: str) -> IReadableStore:
        """
        A store from the arguments of its description string. Opens nothing yet.

        :raises ValueError: when the arguments make no sense; the text says what to write instead.
        """


class IAuthenticator(Interface):
    """
    Finds out who sends a request.

    One that has a life of its own (files to watch, connections) also provides
    `twisted.application.service.IService`.
    """

    challenge: str | None = Attribute(
        "What a 401 says in WWW-Authenticate, or None when there is nothing to say."
    )

    def authenticate(headers: Mapping[str, str], peer: str | None) -> Awaitable[Identity]:
        """
        The identity behind a request.

        ``headers`` are the request's, by lower-case name with dashes, repeated ones joined by
        commas; ``peer`` is the address of whoever is connected, or None when it has none.
        An authenticator reads only the headers that are its own.
        What is asked for is there too, named as in HTTP/2: ``:method``, and ``:path`` as it is
        routed: decoded, and without the query.
        Credentials that are good for some requests only do not pass without them.

        :raises NotAuthenticated: when there are no credentials, or none that are valid.
        :raises NotAllowed: when they are valid, but for nothing that is done here.
        :raises IdentityUnavailable: when that cannot be found out now.
        """


class IReloadable(Interface):
    """Has read something that operators change while the daemon runs."""

    def reload() -> Awaitable[None]:
        """
        Read it again; called on SIGHUP.

        What makes no sense is told of in the log, and what was read before stays in force.
        """


class IAuthenticatorMaker(IPlugin):
    """What is looked up among the Twisted plugins: a kind of authenticator that can be made."""

    kind: str = Attribute("The first word of a description string that asks for it.")
    help: str = Attribute("Its description string and options, for --help-auth.")

    def make(reactor: object, *args: str, **options: str) -> IAuthenticator:
        """
        An authenticator from the arguments of its description string. Opens nothing yet.

        :raises ValueError: when the arguments make no sense; the text says what to write instead.
        """


class IRegistry(Interface):
    """
    Keeps the records of images.

    Several daemons share one registry and race: each change names the states it expects, and is
    made entirely or not at all.
    The registry keeps the times: ``created_at`` once, ``updated_at`` at each `update`,
    ``deleted_at`` when the state becomes one that is gone, and None when it is restored.

    A *lease* says that bytes without a record may exist for an image, and until when somebody
    answers for them.  When it runs out, `take_overdue` hands the image to whoever asks first.

    Nobody is a *member* of an image that is deleted, or being deleted; if it is restored, the old
    ones are members again.
    Who is removed and then added again has the ``can_share`` that he had.

    Every method raises `glancetx.errors.RegistryUnavailable` when the registry cannot be reached
    in reasonable time, and is safe to cancel.
    """

    def insert(image: Image, lease: float | None = None) -> Awaitable[Image]:
        """
        Keep a new record and return it as stamped.

        With ``lease`` somebody answers for the image for so many seconds from its first instant on.

        :raises ImageExists: when the id was ever used, also by an image that was deleted since.
        """

    def fetch(image_id: str) -> Awaitable[Image]:
        """
        The record, also of a deleted image.

        :raises NoSuchImage: when the id was never used.
        """

    def select(query: ImageQuery) -> Awaitable[list[Image]]:
        """One page of records, in the order that the query tells."""

    def update(image_id: str, change: Change, expect: Collection[Status]) -> Awaitable[Image]:
        """
        Compare-and-set: make the change if the image is in one of the expected states.

        :raises StatusConflict: when it is in another state; nothing has changed.
        :raises NoSuchImage: when the id was never used.
        :raises ValueError: when the change makes an illegal move.
        """

    def renew(
        image_id: str, expect: Status, lease: float, transferred: int | None = None
    ) -> Awaitable[None]:
        """
        Answer for the image for another ``lease`` seconds. No time of the record changes.

        ``transferred`` tells how many bytes have come by now; None leaves what was told before.
        It is forgotten with the lease, by the update whose ``Change.lease`` is None.

        :raises StatusConflict: when it is no longer in the expected state.
        :raises NoSuchImage: when the id was never used.
        """

    def reserve(
        image_id: str, room: Room, expect: Status, change: Change | None = None
    ) -> Awaitable[Image]:
        """
        Set bytes of the owner's quota aside for a transfer; ``reserved`` tells how many.

        It takes the place of an earlier reservation of this image, and is freed with its lease: by
        the update whose ``Change.lease`` is None.
        Until then it counts, whatever becomes of the image.
        The owner's other images count as `Image.counted` says; images without an owner count
        together.
        Reservations of one owner are made one after the other, so that those who race never get
        more than there is.

        ``change`` is made in the same instant; without one no time of the record changes.

        :raises QuotaExceeded: when less than what is needed remains; nothing has changed.
        :raises StatusConflict: when it is not in the expected state; nothing has changed.
        :raises NoSuchImage: when the id was never used.
        :raises ValueError: when the change makes an illegal move.
        """

    def take_overdue(
        lease: float, limit: int, expect: Collection[Status] = ...
    ) -> Awaitable[list[Image]]:
        """
        Images in an expected state whose lease has run out, at most ``limit``, oldest first.

        Without ``expect`` any state will do.
        Whoever is given an image holds its lease for ``lease`` seconds: no other caller gets it
        meanwhile.
        """

    def members(image_id: str) -> Awaitable[list[Member]]:
        """All members of an image, in the order in which they first became members."""

    def membership(image_id: str, member: str) -> Awaitable[Member | None]:
        """One member of an image, or None when he is not."""

    def shared_with(member: str, owner: str | None = None) -> Awaitable[list[Member]]:
        """
        All memberships that somebody has, those of the newest image first.

        With ``owner`` only those in images that belong to the owner.
        """

    def share(
        image_id: str, member: str, can_share: bool | None = None, quota: int = -1
    ) -> Awaitable[Member]:
        """
        Add a member, or change one; with ``can_share`` None an old one stays as he is.

        :raises TooManyMembers: when the image has ``quota`` members already, also when this is
            one of them; a negative quota allows any number.
        :raises NoSuchImage: when there is none, or no longer one.
        :raises BadMetadata: when this cannot be the name of anybody.
        """

    def replace_members(image_id: str, members: Shares) -> Awaitable[None]:
        """
        Let these, and nobody else, be the members of an image.

        :raises NoSuchImage: when there is none, or no longer one.
        :raises BadMetadata: when one of them cannot be the name of anybody.
        """

    def unshare(image_id: str, member: str) -> Awaitable[None]:
        """
        Remove a member.

        :raises NoSuchMember: when he is not one.
        """
