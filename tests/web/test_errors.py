"""Tests of error → status and body (contract §1.5)."""

from __future__ import annotations

import inspect
import json
from typing import Any

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from glancetx import errors
from glancetx.image import Status
from glancetx.web.errors import HTML, JSON, PLAIN, STATUSES, error_body, negotiate, status_of
from tests.unhurried import given


class StatusTests(SynchronousTestCase):
    """Each error has one status."""

    def test_every_error_has_one(self) -> None:
        """No error of ours falls through."""
        for _, cls in inspect.getmembers(errors, inspect.isclass):
            if issubclass(cls, errors.GlanceError):
                self.assertTrue(any(base in STATUSES for base in cls.__mro__), cls)

    def test_most_specific(self) -> None:
        """The most specific class decides (§6.8)."""
        for error, status in (
            (errors.NoSuchImage("x"), 404),
            (errors.ImageExists("x"), 409),
            (errors.StatusConflict("x", Status.ACTIVE), 409),
            (errors.DeletedMeanwhile("x"), 412),
            (errors.ImageProtected("x"), 403),
            (errors.BadMetadata("x"), 400),
            (errors.PromiseBroken("x"), 400),
            (errors.RangeOutside(1), 416),
            (errors.TooLarge("x"), 413),
            (errors.StoreFull(), 413),
            (errors.StoreForbids(), 503),
            (errors.StoreReadOnly(), 410),
            (errors.StoreUnavailable(), 503),
            (errors.StoreFailed("x"), 500),
            (errors.BodyCutShort(), 400),
            (errors.ConsumerGone(), 500),
            (errors.RegistryUnavailable(), 503),
        ):
            self.assertEqual(status_of(error), status, error)


class NegotiationTests(SynchronousTestCase):
    """The form of an error is what the client accepts."""

    def test_table(self) -> None:
        """§1.5, line by line, and weights."""
        for accept, form in (
            ("", PLAIN),
            ("text/plain", PLAIN),
            ("application/octet-stream", PLAIN),
            ("application/vnd.openstack.images-v1", PLAIN),
            ("*/*", HTML),
            ("text/html", HTML),
            ("text/*", HTML),
            ("application/json", JSON),
            ("application/*", JSON),
            ("Application/JSON", JSON),
            ("application/json; charset=utf-8", JSON),
            ("application/json, text/html", HTML),
            ("application/json, */*", HTML),
            ("application/json, */*;q=0.5", JSON),
            ("text/html;q=0.4, application/json;q=0.6", JSON),
            ("text/html; q=0.6 , application/json;q=0.4", HTML),
            ("text/html;q=0, */*", JSON),
            ("application/json;q=0", PLAIN),
            ("application/json;q=bad", PLAIN),
            ("application/json;q=nan", PLAIN),
            ("application/json;q=-1", PLAIN),
            ("text/html;q=1, application/json;q=inf", HTML),
            ("text/plain, */*;q=0", PLAIN),
        ):
            self.assertEqual(negotiate(accept), form, accept)

    @given(st.text())
    def test_anything(self, accept: str) -> None:
        """Every header has an answer."""
        self.assertIn(negotiate(accept), (PLAIN, HTML, JSON))


class BodyTests(SynchronousTestCase):
    """What an error looks like."""

    TEXT = "<script>no</script> & 'x'"

    def body(
        self, accept: str, status: int = 404, method: bytes = b"GET", text: str = TEXT
    ) -> bytes:
        request: Any = DummyRequest([b""])
        request.method = method
        request.requestHeaders.setRawHeaders(b"Accept", [accept.encode()])
        body = error_body(request, status, text)
        self.assertEqual(request.responseCode, status)
        [length] = request.responseHeaders.getRawHeaders(b"Content-Length", [])
        self.assertEqual(int(length), len(body))
        return body

    def test_plain(self) -> None:
        """Status line, blank line, text; what looks like a tag disappears."""
        body = self.body("")
        self.assertTrue(body.startswith(b"404 Not Found\n\nno & 'x'"), body)

    def test_many_beginnings_of_tags(self) -> None:
        """R28: what looks like the beginnings of many tags is text, and no work."""
        text = "<" * 500_000
        self.assertIn(text.encode(), self.body("", text=text))

    def test_html(self) -> None:
        """Title and heading are the status, the text is escaped (R25)."""
        body = self.body("text/html")
        self.assertIn(b"<title>404 Not Found</title>", body)
        self.assertIn(b"<h1>404 Not Found</h1>", body)
        self.assertIn(b"&lt;script&gt;no&lt;/script&gt; &amp;", body)
        self.assertNotIn(b"<script", body)

    def test_json(self) -> None:
        """Three texts, of which the code is one."""
        body = json.loads(self.body("application/json"))
        self.assertEqual(set(body), {"message", "code", "title"})
        self.assertEqual((body["code"], body["title"]), ("404 Not Found", "Not Found"))
        self.assertIn("<br /><br />", body["message"])
        self.assertNotIn("<script", body["message"])

    def test_head(self) -> None:
        """HEAD errors have no body and say so."""
        for accept in ("", "*/*", "application/json"):
            self.assertEqual(self.body(accept, method=b"HEAD"), b"")

    def test_every_status(self) -> None:
        """Every status that we use has a reason."""
        for status in {*STATUSES.values(), 405, 431, 501}:
            self.assertRegex(self.body("", status).decode(), rf"^{status} [A-Z]")
