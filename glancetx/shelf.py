"""The open stores: which one is written to, and which one holds a location."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from glancetx.errors import NoSuchStore, SourceNotSupported, StoreReadOnly, StoreUnavailable
from glancetx.image import Location
from glancetx.interfaces import IForeignStore, IReadableStore, IStore


@frozen
class ShelvedStore:
    """
    An open store with the names it answers to.

    ``name`` is what the operator called it and what locations remember; ``schemes`` are what
    API users may call it besides.
    ``is_foreign`` says that its maker lets users name what is read through it.
    """

    name: str
    store: IReadableStore
    schemes: frozenset[str] = frozenset()
    is_foreign: bool = False

    @property
    def writable(self) -> IStore:
        """
        :raises StoreReadOnly: when it only gives and never takes.
        """
        if not IStore.providedBy(self.store):
            raise StoreReadOnly()
        return IStore(self.store)

    @property
    def foreign(self) -> IForeignStore | None:
        """The store, if users may name what is read through it."""
        if not self.is_foreign or not IForeignStore.providedBy(self.store):
            return None
        return IForeignStore(self.store)


class Shelf:
    """All stores of this daemon; the first one is the default for writing."""

    def __init__(self, stores: Sequence[ShelvedStore]) -> None:
        if not stores:
            raise ValueError("there is no store")
        self._stores = {shelved.name: shelved for shelved in stores}
        names = [shelved.name for shelved in stores]
        for name in self._stores:
            if names.count(name) > 1:
                raise ValueError(
                    f"two stores have the same name {name!r}: give one another, as in "
                    f"--store NAME={name}:…"
                )
        self.default = stores[0]

    def __iter__(self) -> Iterator[ShelvedStore]:
        return iter(self._stores.values())

    def named(self, name: str) -> ShelvedStore:
        """
        The store of this name, or else the first one of this scheme.

        :raises NoSuchStore: when there is none.
        """
        if name in self._stores:
            return self._stores[name]
        for shelved in self._stores.values():
            if name in shelved.schemes:
                return shelved
        raise NoSuchStore(name)

    def foreign(self, location: str) -> ShelvedStore:
        """
        The store through which a location may be read that a user names: the only such decision.

        Its scheme must be, letter by letter, one of a store whose maker said ``foreign``.
        What the store thinks of the rest is asked of `IForeignStore.check`.

        :raises SourceNotSupported: when there is none.
        """
        scheme, colon, _ = location.partition(":")
        for shelved in self._stores.values():
            if colon and shelved.foreign is not None and scheme in shelved.schemes:
                return shelved
        raise SourceNotSupported()

    def holding(self, location: Location) -> ShelvedStore:
        """
        The store that holds a location.

        :raises StoreUnavailable: when this daemon was started without that store.
        """
        try:
            return self._stores[location.store]
        except KeyError:
            raise StoreUnavailable() from None
