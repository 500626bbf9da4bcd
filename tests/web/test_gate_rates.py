"""Tests of who is told that he asks too often (R21)."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.identity.trusted import TrustedProxy
from glancetx.networks import Networks
from glancetx.testing.http import Response
from glancetx.usecases.recognition import Recognition
from glancetx.web.forwarded import Proxies
from tests.web.api import UNLIMITED, Api


class RateTests(SynchronousTestCase):
    """Two requests at once, and one every ten seconds."""

    def setUp(self) -> None:
        self.api = Api(
            authenticator=TrustedProxy(None, "127.0.0.1"),
            recognition=Recognition(allow_anonymous_access=True),
            traffic=evolve(UNLIMITED, request_rate=0.1, request_burst=2),
            proxies=Proxies(Networks(["127.0.0.1"])),
        )

    def ask(self, project: str | None, path: str = "/v1/images", **headers: str) -> Response:
        known = {"X-Identity-Status": "Confirmed", "X-Project-Id": project} if project else {}
        return self.api.request("GET", path, {**known, **headers})

    def assert_refused(self, response: Response, seconds: int = 10) -> None:
        self.assertEqual((response.status, response.header("retry-after")), (429, f"{seconds}"))
        text = response.body.decode()
        self.assertIn("429 Too Many Requests\n\nToo many requests.", text)
        self.assertIn(f"Try again in {seconds} seconds.", text)

    def test_projects(self) -> None:
        """R21: a project that asks too often is told when to come again, and is then served."""
        for _ in range(2):
            self.assertEqual(self.ask("demo").status, 200)
        self.assert_refused(self.ask("demo"))
        self.assertEqual(self.ask("other").status, 200)
        self.api.clock.advance(9)
        self.assert_refused(self.ask("demo"), 1)
        self.api.clock.advance(1)
        self.assertEqual(self.ask("demo").status, 200)

    def test_uploads(self) -> None:
        """It is told before the body is asked for, and nothing is left."""
        for _ in range(2):
            self.ask("demo")
        client = self.api.connect()
        known = {"X-Identity-Status": "Confirmed", "X-Project-Id": "demo"}
        client.begin("POST", "/v1/images", {**known, "Expect": "100-continue"}, 10 << 20)
        self.assert_refused(client.response())
        self.assertEqual(client.continues, 0)
        self.assertEqual(self.api.registry._records, {})

    def test_strangers(self) -> None:
        """Who is not recognised is known by his address, as the proxy tells it."""
        for _ in range(2):
            self.assertEqual(self.ask(None, **{"X-Forwarded-For": "192.0.2.7"}).status, 200)
        self.assert_refused(self.ask(None, **{"X-Forwarded-For": "192.0.2.7"}))
        self.assertEqual(self.ask(None, **{"X-Forwarded-For": "192.0.2.8"}).status, 200)

    def test_wrong_credentials(self) -> None:
        """Who is refused anyway is counted, too."""
        self.api = evolve(self.api, recognition=Recognition())
        self.assertEqual([self.ask(None).status for _ in range(3)], [401, 401, 429])

    def test_operators(self) -> None:
        """They may ask as often as they like."""
        for _ in range(5):
            self.assertEqual(self.ask("ops", **{"X-Roles": "admin"}).status, 200)

    def test_what_is_not_counted(self) -> None:
        """Whether we are well, and what we speak."""
        for _ in range(5):
            self.assertEqual(self.ask("demo", "/healthcheck").status, 200)
            self.assertEqual(self.ask("demo", "/versions").status, 200)
        self.assertEqual(self.ask("demo").status, 200)
