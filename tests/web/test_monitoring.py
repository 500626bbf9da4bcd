"""The listener of a daemon's own."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.testing.http import MemoryClient, Response
from glancetx.web.monitoring import MonitoringSite
from tests.web.case import logged_events

READY = {"is_needed": True, "trouble": None}


class MonitoringTests(SynchronousTestCase):
    """What it answers."""

    def setUp(self) -> None:
        self.found: Any = {"registry": READY}
        self.accepted: list[str] = []
        self.telling: Deferred[Any] | None = None
        self.site = MonitoringSite(Clock(), self.exposition, self.standings)

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        self.accepted.append(accept)
        if self.telling is not None:
            await self.telling
        return b"glancetx_copies 0\n", "text/plain; version=0.0.4"

    async def standings(self) -> Any:
        return self.found

    def get(self, path: str, method: str = "GET", headers: Any = None) -> Response:
        return MemoryClient(self.site).request(method, path, headers)

    def test_metrics(self) -> None:
        """The numbers, in the form that is accepted."""
        response = self.get("/metrics", headers={"Accept": "application/openmetrics-text"})
        self.assertEqual((response.status, response.body), (200, b"glancetx_copies 0\n"))
        self.assertEqual(response.header("content-type"), "text/plain; version=0.0.4")
        self.assertEqual(self.accepted, ["application/openmetrics-text"])
        head = self.get("/metrics", "HEAD")
        self.assertEqual((head.status, head.body, head.header("content-length")), (200, b"", "18"))

    def test_ready(self) -> None:
        """What it depends on, one by one."""
        self.found["store far"] = {"is_needed": False, "trouble": "It gives no answer."}
        response = self.get("/readyz")
        self.assertEqual(response.status, 200)
        self.assertEqual(response.header("content-type"), "application/json")
        reason = "It gives no answer."
        expected = {
            "ready": True,
            "dependencies": {
                "registry": {"ready": True, "needed": True},
                "store far": {"ready": False, "needed": False, "reason": reason},
            },
        }
        self.assertEqual(json.loads(response.body), expected)

    def test_not_ready(self) -> None:
        """Without something that is needed, or when it ends, it is not."""
        for found in ({"registry": {"is_needed": True, "trouble": "It is away."}}, {}):
            self.found = found
            response = self.get("/readyz")
            self.assertEqual((response.status, json.loads(response.body)["ready"]), (503, False))

    def test_elsewhere(self) -> None:
        """There is nothing else, and nothing can be changed."""
        self.assertEqual(self.get("/healthcheck").body, b"OK")
        self.assertEqual(self.get("/v1/images").status, 404)
        for path in ("/metrics", "/readyz", "/healthcheck"):
            self.assertEqual(self.get(path, "POST").status, 405)

    def test_no_log(self) -> None:
        """Who asks is not worth a line."""
        events = logged_events(self)
        self.get("/metrics")
        self.assertEqual(events, [])

    def test_asker_leaves(self) -> None:
        """Then nobody has to be asked any more."""
        cancelled: list[Any] = []
        self.telling = Deferred(cancelled.append)
        client = MemoryClient(self.site)
        client.begin("GET", "/metrics")
        client.disconnect()
        self.assertEqual(cancelled, [self.telling])

    def test_breaks(self) -> None:
        """What cannot be told is 500, and in the log."""
        self.telling = Deferred()
        client = MemoryClient(self.site)
        client.begin("GET", "/metrics")
        self.telling.errback(ZeroDivisionError())
        self.assertEqual(client.response().status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
