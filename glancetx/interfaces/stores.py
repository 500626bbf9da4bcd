"""What keeps and gives the bytes of images, and how it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable

from zope.interface import Attribute, Interface

from glancetx.holding import Holding
from glancetx.interfaces.makers import IMaker
from glancetx.interfaces.streams import IByteStream


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


class IListedStore(IStore):
    """
    A store that can tell what it holds, so that it can be compared with the records.

    Stores need not: what nobody can list is not compared.
    """

    def listing() -> AsyncGenerator[Holding, None]:
        """
        All that the store holds, finished or not, in any order, page by page.

        What comes and goes meanwhile may be among it or not.
        A finished image is told once, with its whole size and the key that `add` has returned;
        what lies in the medium for it, as segments do, is not told besides.
        What is not named as `add` would have named it has no ``image_id``.

        :raises StoreUnavailable: when the store cannot be reached.
        """

    def look_up(key: str) -> Awaitable[Holding | None]:
        """
        What is now under a key of a finished image, or None when there is nothing.

        :raises StoreUnavailable: when the store cannot be reached.
        """

    def drop_unfinished(key: str) -> Awaitable[None]:
        """
        Remove what `listing` told under this key, which is not finished; and nothing else.

        :raises NoSuchData: when it is not there, or is finished by now.
        :raises DataInUse: when the store knows that somebody is still writing it.
        :raises StoreUnavailable: when the store cannot be reached.
        """

    def free_space() -> Awaitable[int | None]:
        """
        How many bytes more the store can take, or None when nobody knows.

        :raises StoreUnavailable: when the store cannot be reached.
        """


class IStoreMaker(IMaker):
    """A kind of store that can be made."""

    schemes: tuple[str, ...] = Attribute(
        "Names by which API users may ask for a store of this kind, besides its own name."
    )
    foreign: bool = Attribute(
        "Whether a location that an API user names may be read through it. http: yes, file: never."
    )

    def make(reactor: object, **options: str) -> IReadableStore:
        """
        A store that has been told this. Opens nothing yet.

        The names are among those of ``options``, and those without a default are there.

        :raises ValueError: when what it is told makes no sense; the text says why.
        """
