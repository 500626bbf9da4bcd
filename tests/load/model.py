"""What clients were told about each image, and what must therefore be true in the end."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from attrs import define, field, frozen

from tests.load.answers import Answer

#: What clients may see besides in the moments when something is disturbed.
DISTURBED = {503, 409}

#: Seconds within which a client notices that an answer has come.
NOTICED = 2.0


@define
class Marks:
    """A property that one client alone writes: the last value that was taken, and all since."""

    sure: str | None = None
    since: list[str] = field(factory=list)

    def may_be(self, value):
        return value in self.since or value == self.sure


@define
class Story:
    """One image: what was tried, and what was acknowledged."""

    image_id: str
    owner: str
    #: MD5s of contents that came whole and right, so that any of them may have become the image.
    offered: set[str] = field(factory=set)
    #: The MD5 of the content that was acknowledged.
    kept: str | None = None
    #: Whether its record was acknowledged.
    is_made: bool = False
    #: Whether it is a copy of something that can be had.
    has_whole_source: bool = False
    #: How many brought bytes, right or wrong.
    uploaders: int = 0
    #: How many tried to delete it.
    deleters: int = 0
    is_deleted: bool = False
    marks: dict[str, Marks] = field(factory=dict)
    #: What a client that alone speaks of this member may find: whether it is one, if that is sure.
    members: dict[str, bool | None] = field(factory=dict)


@frozen
class Fault:
    """Something that must not be, in a sentence."""

    text: str


class Model:
    """
    Everything that clients know, and what they saw that must not be.

    Clients write a story down before they act on it, so no daemon knows more than the model does.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.stories: dict[str, Story] = {}
        self.faults: list[Fault] = []
        self.counts: Counter[str] = Counter()
        #: How many requests are under way.
        self.in_flight = 0
        self._disturbances: list[list[float]] = []

    # -- telling

    def begin(self, chance: random.Random, owner: str) -> Story:
        """A new image, of which no daemon knows yet."""
        image_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        with self.lock:
            story = self.stories[image_id] = Story(image_id, owner)
        return story

    def some(self, chance: random.Random, recent: int = 40) -> Story | None:
        """One of the images made lately."""
        with self.lock:
            stories = list(self.stories.values())[-recent:]
        return chance.choice(stories) if stories else None

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(Fault(text))

    def uploaded(self, story: Story, digest: str) -> None:
        """An upload was acknowledged."""
        with self.lock:
            if story.kept is not None:
                self.fault(f"{story.image_id} took two uploads: {story.kept} and {digest}")
            story.kept = digest

    def answered(self, deed: str, answer: Answer, allowed: set[int]) -> bool:
        """Whether a deed got one of the answers that it may get; whatever it got is counted."""
        status = answer.status
        with self.lock:
            self.counts[f"{deed} {status}"] += 1
            if status is None:
                if not self.was_disturbed(answer.began):
                    self.fault(f"{deed}: the connection broke while nothing was disturbed")
                return False
            if status in allowed:
                return True
            lately = max(answer.began, answer.came - NOTICED)
            if not (status in DISTURBED and self.was_disturbed(lately)):
                self.fault(f"{deed}: {status} {answer.text[:300]!r}")
            return False

    @contextmanager
    def flying(self) -> Iterator[None]:
        """A request is under way meanwhile."""
        with self.lock:
            self.in_flight += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1

    # -- disturbances

    def disturb(self) -> list[float]:
        """Begin a disturbance, which lasts until `calm`."""
        with self.lock:
            span = [monotonic(), float("inf")]
            self._disturbances.append(span)
        return span

    def calm(self, span: list[float], later: float = 0.0) -> None:
        """A disturbance and its consequences are over so many seconds from now."""
        with self.lock:
            span[1] = monotonic() + later

    def stood_still(self, began: float, later: float) -> None:
        """Everything stood still from then until now, and will suffer from it for some seconds."""
        with self.lock:
            self._disturbances.append([began, monotonic() + later])

    def was_disturbed(self, since: float) -> bool:
        """Whether anything was disturbed at any moment since then."""
        with self.lock:
            return any(end >= since for _, end in self._disturbances)
