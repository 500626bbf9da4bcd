"""What lies on other people's servers, without a network: a store that reads it, for tests."""

from __future__ import annotations

from attrs import define, field
from zope.interface import implementer

from glancetx.errors import (
    InvalidLocation,
    NoSuchData,
    RangeOutside,
    RemoteRefused,
    RemoteUnavailable,
    SourceNotFound,
    SourceNotSupported,
    SourceRefused,
)
from glancetx.interfaces import IByteStream, IForeignStore
from glancetx.shelf import ShelvedStore
from glancetx.testing.streams import END, ScriptedStream, Then

HELLO = b"hello"

#: Where things lie; it has a secret in it, as locations may.
HOST = "http://user:secret@example.org"
HERE = f"{HOST}/image"
NOWHERE = f"{HOST}/nowhere"
FORBIDDEN = f"{HOST}/forbidden"
REFUSED = f"{HOST}/refused"
FAILING = f"{HOST}/failing"


@implementer(IForeignStore)
@define
class Elsewhere:
    """
    ``things`` are what is there, by URL; ``statuses`` what else is answered, 0 for no answer.

    ``tells_size`` says whether sources tell how much they have.
    Streams announce ``lies_by`` bytes more than come.
    What is opened ends as ``then`` says; ``sources`` are all streams so far.
    ``asked`` is every question that was asked, as method and URL.
    """

    things: dict[str, bytes] = field(factory=lambda: {HERE: HELLO})
    statuses: dict[str, int] = field(factory=lambda: {FORBIDDEN: 403, REFUSED: 0, FAILING: 503})
    tells_size: bool = True
    lies_by: int = 0
    then: Then | BaseException = END
    sources: list[ScriptedStream] = field(factory=list)
    asked: list[tuple[str, str]] = field(factory=list)

    @property
    def shelved(self) -> ShelvedStore:
        return ShelvedStore("http", self, frozenset({"http", "https"}), True)

    def check(self, location: str) -> None:
        scheme, _, rest = location.partition("://")
        if scheme not in ("http", "https"):
            raise SourceNotSupported()
        if not rest.partition("/")[0]:
            raise InvalidLocation()

    async def probe(self, location: str) -> int | None:
        self.check(location)
        self.asked.append(("HEAD", location))
        status = self.statuses.get(location)
        if status == 0:
            raise InvalidLocation()
        if status is not None:
            raise SourceRefused(status)
        if location not in self.things:
            raise SourceNotFound()
        return len(self.things[location]) if self.tells_size else None

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        self.asked.append(("GET", key))
        status = self.statuses.get(key)
        if status == 0:
            raise RemoteUnavailable()
        if status is not None:
            raise RemoteRefused(status)
        if key not in self.things:
            raise NoSuchData()
        thing = self.things[key]
        if offset > len(thing):
            raise RangeOutside(len(thing))
        part = thing[offset:] if length is None else thing[offset : offset + length]
        stream = ScriptedStream([part] if part else [], self.then)
        stream.length = len(part) + self.lies_by if self.tells_size else None
        self.sources.append(stream)
        return stream
