"""Tests of the time that the head of a request may take (R27)."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.web.timing import Deadline
from tests.web.api import UNLIMITED, Api
from tests.web.case import UPLOAD, TransportCase

HEAD = b"GET /versions HTTP/1.1\r\nHost: h\r\n"


class DeadlineTests(SynchronousTestCase):
    """Two times that something must come in."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.expirations: list[float] = []

    def deadline(self, total: float | None, idle: float | None) -> Deadline:
        return Deadline(
            self.clock, total, idle, lambda: self.expirations.append(self.clock.seconds())
        )

    def test_total(self) -> None:
        """Parts gain no time in all."""
        deadline = self.deadline(10, 4)
        deadline.begin()
        for _ in range(6):
            self.clock.advance(2)
            deadline.heard()
        self.assertEqual(self.expirations, [10])

    def test_idle(self) -> None:
        """Between two parts there is less time; before the first one there is all of it."""
        deadline = self.deadline(100, 4)
        deadline.begin()
        for _ in range(3):
            self.clock.advance(3 if self.clock.seconds() else 50)
            deadline.heard()
        self.assertEqual(self.expirations, [])
        self.clock.advance(4)
        self.assertEqual(self.expirations, [60])

    def test_over(self) -> None:
        """Nothing expires afterwards, and nothing is left."""
        deadline = self.deadline(10, 4)
        for begin in deadline.begin, deadline.heard:
            begin()
            self.assertTrue(deadline.is_running)
            deadline.over()
            self.assertFalse(deadline.is_running)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_for_ever(self) -> None:
        """Without any time nobody watches."""
        deadline = self.deadline(None, None)
        deadline.begin()
        deadline.heard()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HeadTests(TransportCase):
    """A client has 60 seconds for a head, and 20 between two of its bytes."""

    def setUp(self) -> None:
        super().setUp()
        traffic = evolve(UNLIMITED, client_header_timeout=60, client_header_idle_timeout=20)
        self.api = Api(store=self.store, idle_timeout=900, traffic=traffic)

    def assert_told(self) -> None:
        """The client hears that it was too slow, and the connection ends without a trace."""
        response = self.client.responses()[-1]
        self.assertEqual((response.status, response.header("connection")), (408, "close"))
        self.assertTrue(self.transport.is_write_closed)
        self.wait(2)
        self.assertTrue(self.transport.is_aborted)
        self.assert_gone_quietly()

    def test_slowloris(self) -> None:
        """R27: a byte now and then keeps nobody's connection open."""
        self.assertTrue(self.transport.is_reading)
        for byte in HEAD[:14]:
            self.wait(4)
            self.client.send(bytes([byte]))
        self.assertEqual(self.transport.value(), b"")
        self.wait(4)
        self.assert_told()

    def test_silent_within_a_head(self) -> None:
        """Half a head does not wait for its time to run out."""
        self.client.send(HEAD)
        self.wait(19)
        self.client.send(b"X: y\r\n")
        self.wait(19.9)
        self.assertEqual(self.transport.value(), b"")
        self.wait(0.1)
        self.assert_told()

    def test_says_nothing(self) -> None:
        """Who connects and asks nothing is hung up on without a word."""
        self.assertTrue(self.transport.is_reading)
        self.wait(60)
        self.assertEqual(self.transport.value(), b"")
        self.assertTrue(self.transport.disconnecting)
        self.assert_gone_quietly()

    def test_kept_connection(self) -> None:
        """Between requests a client may be silent for longer; the next head has its own time."""
        for _ in range(2):
            self.assertEqual(self.client.request("GET", "/versions").status, 200)
            self.wait(800)
            self.client.send(HEAD)
            self.wait(15)
            self.client.send(b"\r\n")
            self.assertEqual([each.status for each in self.client.responses()], [200, 200])
        self.client.send(HEAD)
        self.wait(20)
        self.assert_told()

    def test_bodies_take_their_time(self) -> None:
        """A transfer that does not stand still is never too long, whatever a head may take."""
        self.begin_upload(400)
        for _ in range(400):
            self.wait(25)
            self.client.send(b"x")
        self.assertEqual(self.client.response().status, 201)
        self.assert_gone_quietly()

    def test_head_behind_a_body(self) -> None:
        """What is sent ahead has its time from when it is looked at."""
        self.begin_upload(5)
        self.client.send(b"hello" + HEAD)
        self.assertEqual(self.client.response().status, 201)
        self.wait(19)
        self.client.send(b"\r\n")
        self.assertEqual([each.status for each in self.client.responses("POST")], [201, 200])

    def test_nonsense(self) -> None:
        """Who was refused already is not told a second thing."""
        self.client.send(b"nonsense\r\n")
        self.wait(1)
        self.assertEqual(self.client.response().status, 400)
        self.assert_gone_quietly()

    def test_while_answered(self) -> None:
        """A head that waits behind a slow answer is not the client's fault."""
        self.store.on = frozenset({"add"})
        self.client.begin("POST", "/v1/images", UPLOAD, 5)
        self.client.send(b"hello" + HEAD)
        self.wait(300)
        self.assertFalse(self.transport.disconnecting)
        self.store.open_gate()
        self.assertEqual(self.client.response().status, 201)
