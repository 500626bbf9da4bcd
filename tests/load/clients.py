"""Clients that do, at random, whatever clients do, and compare what they see with the model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from http.client import HTTPConnection
from time import sleep
from typing import Any

from attrs import define, field

from tests.load.answers import PATIENCE, Answer, ask
from tests.load.content import KIB, SIZES, content, md5
from tests.load.model import Marks, Model, Story

OWNERS = ["one", "two", "three"]


@define
class Client:
    """
    One client: it speaks to any of the ``ports``, as ``chance`` has it, until ``is_over``.

    Its ``name`` is the name of the property that only it writes, and of the member that only it
    adds and removes.
    """

    name: str
    seed: str
    ports: list[int]
    source: str
    model: Model
    is_over: bool = field(default=False, init=False)
    chance: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def run(self) -> None:
        """Do one thing after the other; blocks."""
        deeds = {
            self.post: 8,
            self.reserve_and_put: 8,
            self.put_twice: 3,
            self.post_something_wrong: 3,
            self.tear: 4,
            self.copy: 4,
            self.delete: 10,
            self.update: 10,
            self.share: 6,
            self.download: 8,
            self.list_pages: 1,
        }
        while not self.is_over:
            [deed] = self.chance.choices(list(deeds), list(deeds.values()))
            deed()

    # -- uploads

    def post(self) -> None:
        """POST with data, of a size that is known or not."""
        story, data = self._new_image()
        self._send("POST", "/v1/images", self._meta(story), story, data)

    def reserve_and_put(self) -> None:
        """POST without data, and PUT, as Nova does."""
        story, data = self._new_image()
        if self._reserve(story):
            self._put(story, data)

    def put_twice(self) -> None:
        """Bytes for an image that somebody made, and may be filling."""
        story = self.model.some(self.chance, recent=6)
        if story is not None:
            self._put(story, self._data())

    def post_something_wrong(self) -> None:
        """Data that are not what was announced: 400, and no image comes of it."""
        story, data = self._new_image()
        wrong = self.chance.choice(
            [
                {"x-image-meta-checksum": md5(b"something else")},
                {"x-image-meta-size": str(len(data) + 1)},
            ]
        )
        with self.model.lock:
            story.uploaders += 1
        body, more = self._framed(data)
        headers = {**self._meta(story), **more, **wrong}
        answer = self._ask("POST", "/v1/images", headers, body)
        allowed = {400, *_refusals(story)}
        self.model.answered("wrong upload", answer, allowed)

    def tear(self) -> None:
        """An upload whose client leaves in the middle."""
        story, data = self._new_image()
        if not self._reserve(story):
            return
        story.uploaders += 1
        connection = HTTPConnection("127.0.0.1", self._port(), timeout=PATIENCE)
        try:
            with self.model.flying():
                connection.putrequest("PUT", f"/v1/images/{story.image_id}")
                connection.putheader("Content-Type", "application/octet-stream")
                connection.putheader("Content-Length", str(len(data) + 10))
                connection.endheaders()
                for piece in self._pieces(data):
                    connection.send(piece)
        except OSError:
            pass
        finally:
            connection.close()
        self.model.counts["torn upload"] += 1

    def copy(self) -> None:
        """An image that the daemon fetches by itself."""
        story = self.model.begin(self.chance, self.chance.choice(OWNERS))
        story.uploaders += 1
        kind = self.chance.choice(["whole", "whole", "whole", "torn"])
        # What is empty cannot be torn.
        name, size = self.chance.getrandbits(40), self.chance.choice(SIZES[kind == "torn" :])
        if kind == "whole":
            story.has_whole_source = True
            story.offered.add(md5(content(name, size)))
        headers = {
            **self._meta(story),
            "x-glance-api-copy-from": f"{self.source}/{kind}/{name}/{size}",
        }
        del headers["Content-Type"]
        answer = self._ask("POST", "/v1/images", headers)
        if self.model.answered("copy", answer, {201}):
            story.is_made = True

    def _new_image(self) -> tuple[Story, bytes]:
        return self.model.begin(self.chance, self.chance.choice(OWNERS)), self._data()

    def _data(self) -> bytes:
        return content(self.chance.getrandbits(40), self.chance.choice(SIZES))

    def _meta(self, story: Story) -> dict[str, str]:
        return {
            "Content-Type": "application/octet-stream",
            "x-image-meta-id": story.image_id,
            "x-image-meta-owner": story.owner,
            "x-image-meta-disk_format": "raw",
            "x-image-meta-container_format": "bare",
        }

    def _reserve(self, story: Story) -> bool:
        headers = {**self._meta(story), "Content-Type": ""}
        answer = self._ask("POST", "/v1/images", headers)
        if not self.model.answered("reserve", answer, {201}):
            return False
        story.is_made = True
        return True

    def _put(self, story: Story, data: bytes) -> None:
        headers = {
            "Content-Type": "application/octet-stream",
            "x-glance-registry-purge-props": "false",
        }
        self._send("PUT", f"/v1/images/{story.image_id}", headers, story, data)

    def _send(
        self, method: str, path: str, headers: dict[str, str], story: Story, data: bytes
    ) -> None:
        """Send data as they are, and believe what is said about them."""
        digest = md5(data)
        with self.model.lock:
            story.offered.add(digest)
            story.uploaders += 1
        body, more = self._framed(data)
        unknown = set() if story.is_made or method == "POST" else {404}
        answer = self._ask(method, path, {**headers, **more}, body)
        allowed = {200, 201, *_refusals(story), *unknown}
        if self.model.answered(f"{method} data", answer, allowed):
            if answer.status in (200, 201):
                image = answer.json["image"]
                if (image["status"], image["checksum"]) != ("active", digest):
                    self.model.fault(f"{story.image_id} was acknowledged as {image}")
                self.model.uploaded(story, digest)
                story.is_made = True
            elif answer.status == 413:
                self._make_room(story.owner)

    def _framed(self, data: bytes) -> tuple[Any, dict[str, str]]:
        """A body that comes at some pace, and the headers that announce it."""
        announced = self.chance.choice(["length", "chunked", "header"])
        # A length of 0 would say that there are no data, a size of 0 that the image is empty.
        if not data:
            announced = "chunked"
        if announced == "length":
            return self._pieces(data), {"Content-Length": str(len(data))}
        if announced == "chunked":
            return self._pieces(data), {"Transfer-Encoding": "chunked"}
        return self._pieces(data), {
            "Transfer-Encoding": "chunked",
            "x-image-meta-size": str(len(data)),
        }

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """The data in pieces: mostly at once, sometimes for longer than a lease lasts."""
        step = self.chance.choice([16 * KIB, 64 * KIB, 256 * KIB])
        pause = self.chance.choice([0, 0, 0, 0, 0.02, 0.2, 0.5])
        starts = range(0, len(data), step)
        pause = min(pause, 10 / max(len(starts), 1))
        for start in starts:
            yield data[start : start + step]
            if pause:
                sleep(pause)

    # -- everything else

    def delete(self) -> None:
        """Delete an image, perhaps one that is on its way in."""
        story = self.model.some(self.chance)
        if story is not None:
            self._delete(story)

    def _make_room(self, owner: str) -> None:
        """Delete one of the images that fill an owner's quota."""
        with self.model.lock:
            stories = self.model.stories.values()
            full = [s for s in stories if s.owner == owner and s.kept and not s.deleters]
        if full:
            self._delete(self.chance.choice(full))

    def _delete(self, story: Story) -> None:
        with self.model.lock:
            was_there = story.kept is not None
            story.deleters += 1
        answer = self._ask("DELETE", f"/v1/images/{story.image_id}")
        allowed = {200, 404, 403}
        if self.model.answered("delete", answer, allowed):
            if answer.status == 200:
                with self.model.lock:
                    story.is_deleted = True
            elif answer.status == 403 and "pending_delete" not in answer.text:
                self.model.fault(f"{story.image_id} could not be deleted: {answer.text}")
            elif was_there and story.deleters == 1:
                self.model.fault(f"{story.image_id} was there, and its delete got {answer.status}")

    def update(self) -> None:
        """Set the property that only this client sets."""
        story = self.model.some(self.chance)
        if story is None:
            return
        value = str(self.chance.getrandbits(40))
        with self.model.lock:
            marks = story.marks.setdefault(self.name, Marks())
            marks.since.append(value)
        headers = {
            f"x-image-meta-property-{self.name}": value,
            "x-image-meta-name": value,
            "x-glance-registry-purge-props": "false",
        }
        was_there = story.is_made
        answer = self._ask("PUT", f"/v1/images/{story.image_id}", headers)
        gone = {404, 403} if story.deleters or not was_there else set()
        if self.model.answered("update", answer, {200, *gone}):
            with self.model.lock:
                if answer.status == 200:
                    marks.sure, marks.since = value, []
                else:
                    marks.since.remove(value)

    def share(self) -> None:
        """Add or remove the member that only this client adds and removes."""
        adds = self.chance.random() < 0.6
        story = self.model.some(self.chance)
        with self.model.lock:
            # Mostly a member is removed where there is one.
            shared = [s for s in self.model.stories.values() if s.members.get(self.name)]
        if shared and not adds and self.chance.random() < 0.8:
            story = self.chance.choice(shared[-20:])
        if story is None:
            return
        method = "PUT" if adds else "DELETE"
        was_there = story.is_made
        with self.model.lock:
            before = story.members.get(self.name, False)
            story.members[self.name] = None
        answer = self._ask(method, f"/v1/images/{story.image_id}/members/{self.name}")
        allowed = {204}
        if not was_there or story.deleters or (not adds and before is not True):
            allowed |= {404, 403}
        if self.model.answered(f"member {method}", answer, allowed):
            with self.model.lock:
                # 404 says that nothing has changed.
                story.members[self.name] = adds if answer.status == 204 else before

    def download(self) -> None:
        """Whatever comes whole is what was sent, and what was acknowledged comes."""
        story = self.model.some(self.chance, recent=100)
        if story is None:
            return
        kept = story.kept
        answer = self._ask("GET", f"/v1/images/{story.image_id}")
        gone = {403, 404} if story.deleters or not kept else {403}
        if not self.model.answered("download", answer, {200, *gone}):
            return
        if answer.status == 200:
            digest = md5(answer.body)
            if digest not in story.offered or (kept and digest != kept):
                self.model.fault(
                    f"{story.image_id} came as {digest} with {len(answer.body)} bytes, "
                    f"its checksum is {answer.headers.get('x-image-meta-checksum')}, kept {kept}"
                )

    def list_pages(self) -> None:
        """A listing through all its pages shows each image once, and all that were there."""
        with self.model.lock:
            stories = self.model.stories.values()
            there = {story.image_id for story in stories if story.kept and not story.deleters}
        limit = self.chance.choice([7, 20, 100])
        listed: list[str] = []
        marker = ""
        while True:
            path = f"/v1/images/detail?is_public=None&limit={limit}{marker}"
            answer = self._ask("GET", path)
            if not self.model.answered("page", answer, {200}):
                return
            page = [image["id"] for image in answer.json["images"]]
            listed += page
            if len(page) < limit:
                break
            marker = f"&marker={page[-1]}"
        if len(set(listed)) < len(listed):
            self.model.fault(f"a listing by {limit} showed an image twice")
        with self.model.lock:
            there = {each for each in there if not self.model.stories[each].deleters}
        if missing := there - set(listed):
            self.model.fault(f"a listing by {limit} left out {sorted(missing)[:5]}")

    # -- requests

    def _port(self) -> int:
        return self.chance.choice(self.ports)

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None
    ) -> Answer:
        fields = {name: value for name, value in (headers or {}).items() if value}
        with self.model.flying():
            answer = ask(self._port(), method, path, fields, body)
        if answer.status is None:
            # Whoever is not there may come back in a moment.
            sleep(0.05)
        return answer


def _refusals(story: Story) -> set[int]:
    """What an uploader may be told besides success, after what was done to the image."""
    refusals = {413}
    if story.uploaders > 1:
        # Before either is taken, the size that one claims may have become that of the record.
        refusals |= {409, 400}
    if story.deleters:
        refusals |= {412, 409, 404, 403}
    return refusals
