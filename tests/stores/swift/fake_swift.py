"""A Swift on loopback: an account in memory, and answers as bad as a test wants."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import define, field, frozen
from twisted.internet.interfaces import IPullProducer
from twisted.trial.unittest import TestCase
from twisted.web.http import HTTPFactory, Request
from zope.interface import implementer

USER = "test:tester"
KEY = "sesame"

#: What `Fault.how` says besides a status: the connection ends before anything is done, or when all
#: is done and only the answer is missing.
CUT = "cut"
CUT_AFTER = "cut after"
#: The object is kept, and a wrong digest told.
LIE = "lie"

_READ = 65_536


@frozen
class Fault:
    """What is to go wrong once, with the first request that fits."""

    method: str
    path: str
    how: int | str
    #: So many bytes of the body are taken, or given, before.
    after: int = 0

    def fits(self, method: str, path: str) -> bool:
        return method == self.method and re.search(self.path, path) is not None


@frozen
class Blob:
    """Bytes of an object, in a file; a large object has several blobs."""

    file: IO[bytes]
    size: int
    md5: str

    def read(self, offset: int, size: int) -> bytes:
        import os

        return os.pread(self.file.fileno(), size, offset)


@frozen
class Stored:
    """An object: its blobs, its metadata, and if it is a large one the records of its segments."""

    blobs: Sequence[Blob]
    meta: dict[str, str]
    etag: str
    segments: Sequence[dict[str, Any]] | None = None
    modified: float = field(factory=time.time)

    @property
    def size(self) -> int:
        return sum(blob.size for blob in self.blobs)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        for blob in self.blobs:
            while start < min(stop, blob.size):
                piece = blob.read(start, min(_READ, stop - start, blob.size - start))
                start += len(piece)
                yield piece
            start, stop = max(start - blob.size, 0), stop - blob.size


@define
class FakeSwift:
    """
    The account that `USER` opens with `KEY` by auth version 1.

    ``requests`` are all that came, as ``METHOD /container/object``; ``logins`` counts.
    """

    containers: dict[str, dict[str, Stored]] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    #: What every page of every listing has, whatever there is.
    stuck_page: list[str] = field(factory=list)
    requests: list[str] = field(factory=list)
    logins: int = 0
    #: Tokens that are good.
    tokens: set[str] = field(factory=set)
    #: Seconds that a token is said to live; None says nothing.
    life: int | None = 86_400
    #: Names in a page of a listing.
    page: int = 2
    #: Whether it shows its manifests, which Ceph does not.
    shows_manifests: bool = True
    url: str = ""

    @property
    def auth_url(self) -> str:
        return f"{self.url}/auth/v1.0"

    def listen(self, test: TestCase) -> FakeSwift:
        """Be there until the test is over."""
        from twisted.internet import reactor

        any_reactor: Any = reactor
        factory = HTTPFactory(reactor=any_reactor)
        factory.noisy = False
        connections: list[Any] = []
        build = factory.buildProtocol

        def remember(address: Any) -> Any:
            connection: Any = build(address)
            connection.requestFactory = lambda *args, **kwargs: _Asked(self, *args, **kwargs)
            connections.append(connection)
            return connection

        factory.buildProtocol = remember  # type: ignore[assignment, method-assign]
        port = any_reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{port.getHost().port}"

        def end() -> None:
            for connection in connections:
                if connection._channel.transport is not None:
                    connection._channel.transport.abortConnection()

        test.addCleanup(end)
        test.addCleanup(port.stopListening)
        return self

    def names(self, container: str) -> list[str]:
        return sorted(self.containers.get(container, {}))

    def leftovers(self, container: str) -> list[str]:
        """The segments that no manifest names."""
        named = {
            record["path"].split("/", 2)[2]
            for stored in self.containers.get(container, {}).values()
            for record in stored.segments or ()
        }
        return sorted(set(self.names(f"{container}_segments")) - named)

    def expire(self) -> None:
        """Know no token any more."""
        self.tokens.clear()

    def count(self, pattern: str) -> int:
        """How many requests there were of a kind."""
        return sum(re.search(pattern, each) is not None for each in self.requests)

    def take_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.fits(method, path):
                self.faults.remove(fault)
                return fault
        return None


class _Asked(Request):
    """One request, whose body goes into a file as it comes."""

    content: Any

    def __init__(self, swift: FakeSwift, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.swift = swift
        self.fault: Fault | None = None
        self.taken = 0
        self.is_over = False
        self.md5 = hashlib.md5()

    def gotLength(self, length: int | None) -> None:
        channel: Any = self.channel
        self.content = tempfile.TemporaryFile()
        method, target = channel._command.decode(), channel._path.decode()
        self.fault = self.swift.take_fault(method, target)
        token = self.requestHeaders.getRawHeaders("X-Auth-Token", [""])[0]
        if "/auth/" not in target and token not in self.swift.tokens:
            # What Swift says behind Keystone when it may not look at the segments.
            self.break_off(400 if target.endswith("multipart-manifest=put") else 401)
        self._maybe_break()

    def handleContentChunk(self, data: bytes) -> None:
        self.taken += len(data)
        self.md5.update(data)
        super().handleContentChunk(data)
        self._maybe_break()

    def _maybe_break(self) -> None:
        fault = self.fault
        if fault is None or self.taken < fault.after or fault.how in (CUT_AFTER, LIE):
            return
        if fault.method != "GET" or not fault.after:
            self.break_off(fault.how)

    def break_off(self, how: int | str) -> None:
        """Answer before the body has come, or end the connection without an answer."""
        channel: Any = self.channel
        if self.is_over or channel is None:
            return
        self.is_over = True
        if how == CUT:
            channel.transport.abortConnection()
        else:
            channel.transport.write(
                b"HTTP/1.1 %d No\r\nContent-Length: 2\r\nX-Trans-Id: tx1\r\n\r\nno" % int(how)
            )
            channel.transport.loseConnection()

    def process(self) -> None:
        if self.is_over:
            return
        path = urlsplit(self.uri.decode())
        names = [unquote(part) for part in path.path.split("/", 4)[1:]]
        query = {name: values[-1] for name, values in parse_qs(path.query).items()}
        self.swift.requests.append(f"{self.method.decode()} /{'/'.join(names[2:])}")
        if names[0] == "auth":
            self.log_in()
        elif len(names) == 3:
            self.container(names[2], query)
        else:
            self.object(names[2], names[3], query)

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        if self.fault is not None and self.fault.how == CUT_AFTER:
            channel: Any = self.channel
            channel.transport.abortConnection()
            return
        self.setResponseCode(status)
        for name, value in headers.items():
            self.setHeader(name.replace("_", "-"), value)
        self.setHeader("Content-Length", str(len(content)))
        self.write(b"" if self.method == b"HEAD" else content)
        self.finish()

    def log_in(self) -> None:
        self.swift.logins += 1
        if (self.getHeader("X-Auth-User"), self.getHeader("X-Auth-Key")) != (USER, KEY):
            self.answer(401)
            return
        token = f"token-{self.swift.logins}"
        self.swift.tokens.add(token)
        life = {} if self.swift.life is None else {"X_Auth_Token_Expires": str(self.swift.life)}
        where = f"{self.swift.url}/v1/AUTH_test"
        self.answer(200, b"", X_Auth_Token=token, X_Storage_Url=where, **life)

    def container(self, name: str, query: dict[str, str]) -> None:
        if self.method == b"PUT":
            self.swift.containers.setdefault(name, {})
            self.answer(201)
        elif name not in self.swift.containers:
            self.answer(404)
        elif self.method == b"HEAD":
            self.answer(204)
        else:
            prefix, marker = query.get("prefix", ""), query.get("marker", "")
            found = [
                _entry(each, stored)
                for each, stored in sorted(self.swift.containers[name].items())
                if each.startswith(prefix) and each > marker
            ]
            nothing = Stored((), {}, "")
            found = [_entry(each, nothing) for each in self.swift.stuck_page] or found
            self.answer(200, json.dumps(found[: self.swift.page]).encode())

    def object(self, container: str, name: str, query: dict[str, str]) -> None:
        inside = self.swift.containers.get(container)
        stored = None if inside is None else inside.get(name)
        if self.method == b"PUT" and inside is not None:
            if stored is not None and self.getHeader("If-None-Match") == "*":
                self.answer(412)
            else:
                self.put(inside, name, is_manifest=query.get("multipart-manifest") == "put")
        elif stored is None or inside is None:
            self.answer(404)
        elif self.method == b"DELETE":
            del inside[name]
            self.answer(204)
        elif query.get("multipart-manifest") == "get":
            records = [{"name": each["path"]} for each in stored.segments or ()]
            shown = json.dumps(records).encode() if self.swift.shows_manifests else b""
            self.answer(200, shown)
        else:
            self.give(stored)

    def put(self, inside: dict[str, Stored], name: str, *, is_manifest: bool) -> None:
        self.content.seek(0)
        meta = {
            key.decode().lower(): values[0].decode()
            for key, values in self.requestHeaders.getAllRawHeaders()
            if key.lower().startswith(b"x-object-meta-")
        }
        if is_manifest:
            records = json.loads(self.content.read())
            found = [self._segment(record) for record in records]
            if not all(found):
                self.answer(400)
                return
            etags = "".join(each.etag for each in found if each)
            tag = f'"{hashlib.md5(etags.encode()).hexdigest()}"'
            blobs = [blob for each in found if each for blob in each.blobs]
            inside[name] = Stored(blobs, meta, tag, records)
        else:
            tag = self.md5.hexdigest()
            inside[name] = Stored([Blob(self.content, self.taken, tag)], meta, tag)
            # The file stays open for as long as the object is there.
            self.content = tempfile.TemporaryFile()
        lies = self.fault is not None and self.fault.how == LIE
        self.answer(201, ETag="0" * 32 if lies else tag)

    def _segment(self, record: dict[str, Any]) -> Stored | None:
        _, container, name = record["path"].split("/", 2)
        found = self.swift.containers.get(container, {}).get(name)
        is_true = found and (found.etag, found.size) == (record["etag"], record["size_bytes"])
        return found if is_true else None

    def give(self, stored: Stored) -> None:
        self.setHeader("ETag", stored.etag)
        self.setHeader("Accept-Ranges", "bytes")
        self.setHeader("Last-Modified", formatdate(stored.modified, usegmt=True))
        for name, value in stored.meta.items():
            self.setHeader(name, value)
        if stored.segments is not None:
            self.setHeader("X-Static-Large-Object", "True")
        same = self.getHeader("If-Match")
        if same is not None and same.strip('"') != stored.etag.strip('"'):
            self.answer(412)
            return
        start, stop = 0, stored.size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.getHeader("Range") or "")
        if wanted is not None:
            start = int(wanted[1])
            stop = min(stop, int(wanted[2]) + 1) if wanted[2] else stop
            if start >= stored.size:
                self.setHeader("Content-Range", f"bytes */{stored.size}")
                self.answer(416)
                return
            self.setResponseCode(206)
            self.setHeader("Content-Range", f"bytes {start}-{stop - 1}/{stored.size}")
        self.setHeader("Content-Length", str(stop - start))
        if self.method == b"HEAD":
            self.finish()
        else:
            cut = self.fault.after if self.fault is not None else None
            _Giving(self, stored.pieces(start, stop), cut)


def _entry(name: str, stored: Stored) -> dict[str, Any]:
    """An object in a listing."""
    moment = datetime.fromtimestamp(stored.modified, UTC).replace(tzinfo=None)
    return {"name": name, "bytes": stored.size, "last_modified": moment.isoformat()}


@implementer(IPullProducer)
class _Giving:
    """Writes pieces at the pace of the connection, and may cut it."""

    def __init__(self, request: _Asked, pieces: Iterator[bytes], cut: int | None) -> None:
        self._request = request
        self._pieces = pieces
        self._cut = cut
        request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        piece = next(self._pieces, None)
        if piece is not None and self._cut is not None:
            piece, self._cut = piece[: self._cut], self._cut - len(piece)
            if self._cut <= 0:
                self._request.write(piece)
                self._stop(self._request.loseConnection)
                return
        if piece is None:
            self._stop(self._request.finish)
        else:
            self._request.write(piece)

    def stopProducing(self) -> None:
        self._pieces = iter(())

    def _stop(self, end: Callable[[], None]) -> None:
        self._request.unregisterProducer()
        end()
