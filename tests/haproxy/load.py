"""Clients that keep their connections, and do not forgive."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from time import monotonic, sleep
from typing import Any

from attrs import define, field, frozen

from tests.integration.daemon import FORMATS
from tests.load.content import KIB, MIB, content, md5

#: Seconds that any answer may take.
PATIENCE = 60

SIZES = [1, 64 * KIB, 300 * KIB, MIB, 4 * MIB]

#: When there are so many images new ones are small, for the sake of the disk.
MANY, SMALL = 300, [1, 64 * KIB]

#: Seconds over which the bytes of one upload of so many are spread: longer than a daemon's notice.
SLOW, ONE_IN = 6.0, 6


@frozen
class Failure:
    """A request that did not get the answer that it should have got."""

    deed: str
    began: float
    ended: float
    text: str


@define
class Ledger:
    """What all clients were told: images by id with the MD5 that was acknowledged."""

    images: dict[str, str] = field(factory=dict)
    counts: Counter[str] = field(factory=Counter)
    failures: list[Failure] = field(factory=list)
    lock: Any = field(factory=threading.Lock)

    def some(self, chance: random.Random) -> tuple[str, str] | None:
        """One of the images, which nobody deletes meanwhile."""
        with self.lock:
            return chance.choice(list(self.images.items())) if self.images else None


@define
class Client:
    """Asks for one thing after the other, over one connection, until ``is_over``."""

    seed: str
    port: int
    ledger: Ledger
    is_over: bool = False
    _chance: random.Random = field(init=False)
    _connection: HTTPConnection = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def run(self) -> None:
        """Blocks."""
        deeds = {
            self.post: 3,
            self.reserve_and_put: 2,
            self.download: 5,
            self.resume: 2,
            self.show: 5,
            self.page: 2,
            self.rename: 2,
            self.come_and_go: 1,
        }
        while not self.is_over:
            [deed] = self._chance.choices(list(deeds), list(deeds.values()))
            deed()
        self._connection.close()

    def post(self) -> None:
        """An image with its bytes, of a length that is known or not."""
        self._upload("POST", "/v1/images", {**FORMATS, "x-image-meta-id": self._new_id()})

    def reserve_and_put(self) -> None:
        """An image first, and then its bytes, which another daemon may get."""
        image_id = self._reserve()
        if image_id is not None:
            self._upload("PUT", f"/v1/images/{image_id}", FORMATS)

    def come_and_go(self) -> None:
        """An image that lives only for a moment."""
        image_id = self._reserve()
        if image_id is not None:
            self._ask("DELETE", f"/v1/images/{image_id}", {200})

    def download(self) -> None:
        """All bytes of an image, which are those that were acknowledged."""
        if image := self.ledger.some(self._chance):
            self.check(*image)

    def check(self, image_id: str, digest: str) -> None:
        """What comes has this MD5."""
        body = self._ask("GET", f"/v1/images/{image_id}", {200})
        if body is not None and md5(body) != digest:
            self._fail("GET", monotonic(), f"{image_id} came as {md5(body)}, not as {digest}")

    def resume(self) -> None:
        """The first byte alone."""
        if image := self.ledger.some(self._chance):
            self._ask("GET", f"/v1/images/{image[0]}", {206}, {"Range": "bytes=0-0"})

    def show(self) -> None:
        """What is known of an image."""
        if image := self.ledger.some(self._chance):
            self._ask("HEAD", f"/v1/images/{image[0]}", {200})

    def page(self) -> None:
        """A page of a list."""
        self._ask("GET", "/v1/images/detail?is_public=None&limit=20", {200})

    def rename(self) -> None:
        """A new name for an image."""
        if image := self.ledger.some(self._chance):
            headers = {"x-image-meta-name": self._new_id(), "Content-Length": "0"}
            self._ask("PUT", f"/v1/images/{image[0]}", {200}, headers)

    def _reserve(self) -> str | None:
        headers = {**FORMATS, "Content-Type": "", "x-image-meta-id": self._new_id()}
        body = self._ask("POST", "/v1/images", {201}, headers)
        return None if body is None else str(json.loads(body)["image"]["id"])

    def _upload(self, method: str, path: str, headers: dict[str, str]) -> None:
        sizes = SIZES if len(self.ledger.images) < MANY else SMALL
        data = content(self._chance.getrandbits(40), self._chance.choice(sizes))
        is_known = self._chance.random() < 0.5
        framing = {"Content-Length": str(len(data))} if is_known else {}
        headers = {**headers, **(framing or {"Transfer-Encoding": "chunked"})}
        body = self._ask(method, path, {200, 201}, headers, self._pieces(data))
        if body is None:
            return
        image = json.loads(body)["image"]
        if (image["status"], image["checksum"]) != ("active", md5(data)):
            self._fail(method, monotonic(), f"was acknowledged as {image}")
            return
        with self.ledger.lock:
            self.ledger.images[image["id"]] = md5(data)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        pieces = 12
        pause = SLOW / pieces if self._chance.randrange(ONE_IN) == 0 else 0
        step = max(1, len(data) // pieces)
        for start in range(0, len(data), step):
            yield data[start : start + step]
            sleep(pause)

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _ask(
        self,
        method: str,
        path: str,
        expect: set[int],
        headers: dict[str, str] | None = None,
        body: Any = None,
    ) -> bytes | None:
        """The body of the answer, or None when it was not one of those that are expected."""
        began = monotonic()
        fields = {name: value for name, value in (headers or {}).items() if value}
        is_chunked = "Transfer-Encoding" in fields
        try:
            self._connection.request(method, path, body, fields, encode_chunked=is_chunked)
            response = self._connection.getresponse()
            answer = response.read()
            status: object = response.status
        except (OSError, HTTPException) as error:
            self._connection.close()
            answer, status = repr(error).encode(), "broke"
        with self.ledger.lock:
            self.ledger.counts[f"{method} {status}"] += 1
        if status in expect:
            return answer
        self._fail(f"{method} {path}", began, f"{status} {answer[:200]!r}")
        return None

    def _fail(self, deed: str, began: float, text: str) -> None:
        with self.ledger.lock:
            self.ledger.failures.append(Failure(deed, began, monotonic(), text))
