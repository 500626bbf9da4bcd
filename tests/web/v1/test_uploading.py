"""Whether a request brings data, and how much it may bring."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import BadMetadata
from glancetx.limits import Limits
from glancetx.testing.streams import ScriptedStream
from glancetx.web.v1.meta import RequestMeta
from glancetx.web.v1.uploading import check_announced_size, has_data


@define
class Head:
    """As much of a request as is looked at: its headers, and what they say of its body."""

    length: int | None = 0
    headers: dict[str, str] = field(factory=dict)

    @property
    def body(self) -> ScriptedStream:
        return ScriptedStream(length=self.length)

    def getHeader(self, name: str) -> str | None:  # noqa: N802
        return self.headers.get(name)


def a_request(**attributes: Any) -> Any:
    return Head(**attributes)


class DataTests(SynchronousTestCase):
    """What counts as data (§3.5)."""

    def test_length(self):
        """A length above 0 does, and an unknown one."""
        self.assertFalse(has_data(a_request(length=0)))
        self.assertTrue(has_data(a_request(length=1)))
        self.assertTrue(has_data(a_request(length=None)))

    def test_encoding(self):
        """A transfer encoding does, also of nothing; a content type does not."""
        self.assertTrue(has_data(a_request(headers={"transfer-encoding": " Chunked "})))
        octets = {"content-type": "application/octet-stream"}
        self.assertFalse(has_data(a_request(headers=octets)))


class CapTests(SynchronousTestCase):
    """Announced sizes (§6.5)."""

    def check(self, length, **values):
        limits = Limits(image_size_cap=5)
        check_announced_size(a_request(length=length), RequestMeta(values=values), limits)

    def test_within(self):
        """What is not over the cap may come, and the length is believed before the header."""
        self.check(5)
        self.check(None)
        self.check(5, size=6)
        self.check(0, size=5)

    def test_over(self):
        """What is announced over the cap may not."""
        self.assertRaises(BadMetadata, self.check, 6)
        self.assertRaises(BadMetadata, self.check, 0, size=6)
        self.assertRaises(BadMetadata, self.check, None, size=6)
