"""Tests of what is answered when a handler raises."""

from __future__ import annotations

from typing import Any

from attrs import define
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import (
    IdentityUnavailable,
    NoSuchImage,
    Overloaded,
    RangeOutside,
    RegistryUnavailable,
    StatusConflict,
    StoreForbids,
    StoreUnavailable,
)
from glancetx.image import Status
from glancetx.testing.http import MemoryClient, Response
from glancetx.web.errors import HttpError
from glancetx.web.failures import install_error_handlers
from glancetx.web.site import StreamingSite
from tests.web.case import logged_events


@define
class Failing:
    """An application whose only page raises."""

    app = Klein()
    error: BaseException

    @app.route("/page")
    def page(self, request: Any) -> bytes:
        raise self.error


install_error_handlers(Failing.app)


class FailureTests(SynchronousTestCase):
    """Error in, response out."""

    def ask(
        self, error: BaseException, path: str = "/page", method: str = "GET", accept: str = ""
    ) -> Response:
        site = StreamingSite(Failing(error).app.resource(), Clock(), None)
        return MemoryClient(site).request(method, path, {"Accept": accept})

    def test_ours(self) -> None:
        """Our errors have their status, and their sentence is shown."""
        response = self.ask(NoSuchImage("x"))
        self.assertEqual(response.status, 404)
        self.assertIn(b"Image with identifier x not found", response.body)

    def test_ours_with_markup(self) -> None:
        """What a client sent is shown to it in no other way than as text."""
        response = self.ask(NoSuchImage("<b>x</b>"), accept="text/html")
        self.assertIn(b"&lt;b&gt;x", response.body)

    def test_passing(self) -> None:
        """What is over by itself says when to come again, and nothing else does."""
        passing = IdentityUnavailable(), Overloaded(), RegistryUnavailable(), StoreUnavailable()
        for error in passing:
            response = self.ask(error)
            self.assertEqual((response.status, response.header("retry-after")), (503, "5"))
        for other in (StoreForbids(), NoSuchImage("x"), CancelledError()):
            self.assertIsNone(self.ask(other).header("retry-after"))

    def test_range(self) -> None:
        """416 says how much there is."""
        response = self.ask(RangeOutside(10))
        self.assertEqual((response.status, response.header("content-range")), (416, "bytes */10"))

    def test_conflict(self) -> None:
        """§1.5: the lost race has one form, whatever is accepted."""
        for accept in ("", "text/html", "application/json"):
            response = self.ask(StatusConflict("x", Status.ACTIVE), accept=accept)
            self.assertEqual(response.status, 409)
            self.assertEqual(response.body, b"Image operation conflicts")
            self.assertEqual(response.header("content-type"), "text/plain; charset=UTF-8")

    def test_http(self) -> None:
        """Errors of HTTP itself bring their headers."""
        response = self.ask(HttpError(405, headers={"Allow": "GET"}))
        self.assertEqual((response.status, response.header("allow")), (405, "GET"))

    def test_not_routed(self) -> None:
        """§1.6: 404 for the methods we know, 501 for the others."""
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"):
            self.assertEqual(self.ask(KeyError(), "/nope", method).status, 404, method)
        for method in ("OPTIONS", "FOO", "get"):
            self.assertEqual(self.ask(KeyError(), "/nope", method).status, 501, method)

    def test_cancelled(self) -> None:
        """Work that is called off while the client is there: try again later."""
        self.assertEqual(self.ask(CancelledError()).status, 503)

    def test_unexpected(self) -> None:
        """§1.5: the generic sentence for the client, the traceback for the operator."""
        response = self.ask(ZeroDivisionError("secret"))
        self.assertEqual(response.status, 500)
        self.assertNotIn(b"secret", response.body)
        self.assertNotIn(b"Zero", response.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_store_trouble_is_logged(self) -> None:
        """An operator hears of what a client cannot help, without a traceback."""
        events = logged_events(self)
        self.assertEqual(self.ask(StoreUnavailable()).status, 503)
        self.assertEqual(self.ask(NoSuchImage("x")).status, 404)
        warnings = [event["error"] for event in events if "error" in event]
        self.assertEqual([type(error) for error in warnings], [StoreUnavailable])

    def test_head(self) -> None:
        """Errors of a HEAD have no body."""
        response = self.ask(NoSuchImage("x"), method="HEAD")
        self.assertEqual((response.status, response.header("content-length")), (404, "0"))
