"""Tests of the site: how connections end when the server does."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent

from glancetx.web.channel import StreamingChannel
from tests.web.case import IMAGE_ID, UPLOAD, TransportCase, logged_events


class DrainTests(TransportCase):
    """At shutdown idle connections end at once, busy ones after their response."""

    def drain(self) -> Deferred[None]:
        return self.api.site.drain(60)

    def test_nobody_there(self) -> None:
        """Without connections it is over at once."""
        self.successResultOf(self.drain())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle(self) -> None:
        """Idle connections are closed, new and kept ones."""
        used = self.api.connect()
        used.request("GET", "/v1/images")
        self.assertTrue(self.transport.is_reading)
        drained = self.drain()
        for client in (used, self.client):
            self.assertTrue(client.transport.disconnecting)
            self.assertNoResult(drained)
            client.disconnect()
        self.successResultOf(drained)

    def test_busy(self) -> None:
        """An upload under way is finished, and its connection then closed."""
        self.begin_upload(5)
        drained = self.drain()
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.transport.disconnecting)
        self.client.disconnect()
        self.successResultOf(drained)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_a_head(self) -> None:
        """A request whose head is coming is still answered."""
        self.client.send(b"GET /versions HT")
        self.drain()
        self.assertFalse(self.transport.disconnecting)
        self.client.send(b"TP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.transport.disconnecting)

    def test_headers_were_out(self) -> None:
        """A download that had begun is finished, and its connection then closed."""
        self.have_image(bytes(1 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        drained = self.drain()
        while client.transport.unsent:
            client.transport.taken()
        self.assertTrue(client.response().is_whole)
        self.assertTrue(client.transport.disconnecting)
        client.disconnect()
        self.successResultOf(drained)

    def test_too_slow(self) -> None:
        """What is not over in time is cut, and cleaned up."""
        self.begin_upload(500)
        drained = self.drain()
        for _ in range(3):
            self.wait(20)
            self.client.send(b"x")
        self.assertTrue(self.transport.is_aborted)
        self.client.disconnect()
        self.successResultOf(drained)
        self.assert_killed()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_rest_of_an_answered_request(self) -> None:
        """A small rest may still come."""
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", UPLOAD, 10)
        self.drain()
        self.assertFalse(self.transport.disconnecting)
        self.client.send(bytes(10))
        self.assertTrue(self.transport.disconnecting)


class GraceTests(TransportCase):
    """While somebody else serves whoever comes again, those who are here are told to go."""

    def drain(self) -> Deferred[None]:
        return self.api.site.drain(None, grace=5)

    def test_idle(self) -> None:
        """An idle connection is closed when its grace is over."""
        self.client.request("GET", "/versions")
        drained = self.drain()
        self.wait(4.9)
        self.assertFalse(self.transport.disconnecting)
        self.wait(0.1)
        self.assertTrue(self.transport.disconnecting)
        self.client.disconnect()
        self.successResultOf(drained)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_asks_again(self) -> None:
        """A request that was on its way is answered, and told that it was the last one."""
        self.client.request("GET", "/versions")
        self.drain()
        self.wait(4)
        response = self.client.request("GET", "/versions")
        self.assertEqual((response.status, response.header("connection")), (200, "close"))
        self.assertTrue(self.transport.disconnecting)
        self.assert_gone_quietly()

    def test_begins_an_upload(self) -> None:
        """It may take as long as it does."""
        self.client.request("GET", "/versions")
        drained = self.drain()
        self.wait(4)
        self.begin_upload(100)
        for _ in range(99):
            self.wait(10)
            self.client.send(b"x")
        self.assertNoResult(drained)
        self.client.send(b"x")
        self.assertEqual(self.client.response().status, 201)
        self.client.disconnect()
        self.successResultOf(drained)

    def test_headers_were_out(self) -> None:
        """Who could not be told after a download has the grace too."""
        self.have_image(bytes(1 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        self.drain()
        while client.transport.unsent:
            client.transport.taken()
        self.assertFalse(client.transport.disconnecting)
        self.wait(5)
        self.assertTrue(client.transport.disconnecting)
        client.disconnect()

    def test_cut(self) -> None:
        """Whoever waits for them may lose his patience."""
        self.begin_upload(5)
        drained = self.drain()
        self.api.site.cut()
        self.assertTrue(self.transport.is_aborted)
        self.client.disconnect()
        self.successResultOf(drained)
        self.assert_killed()


class NoticeTests(TransportCase):
    """Before it leaves the site serves on, and says that it will."""

    def test_everybody_is_served(self) -> None:
        """Old and new connections get their answers, and hear that they were the last ones."""
        self.client.request("GET", "/versions")
        notice = self.api.site.give_notice(5)
        for client in (self.client, self.api.connect()):
            response = client.request("GET", "/versions")
            self.assertEqual((response.status, response.header("connection")), (200, "close"))
            self.assertTrue(client.transport.disconnecting)
        self.wait(4.9)
        self.assertNoResult(notice)
        self.wait(0.1)
        self.successResultOf(notice)

    def test_health(self) -> None:
        """Balancers hear it at once, and from nobody before."""
        for method in ("GET", "HEAD"):
            self.assertEqual(self.api.request(method, "/healthcheck").status, 200)
        self.api.site.give_notice(5)
        for method in ("GET", "HEAD"):
            self.assertEqual(self.api.request(method, "/healthcheck").status, 503)
        self.wait(5)

    def test_idle(self) -> None:
        """Who keeps a connection may still use it: it is closed when the notice is over."""
        self.client.request("GET", "/versions")
        self.api.site.give_notice(5).addCallback(lambda _: self.api.site.drain(60))
        self.wait(4.9)
        self.assertFalse(self.transport.disconnecting)
        self.wait(0.1)
        self.assertTrue(self.transport.disconnecting)
        self.client.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_notice(self) -> None:
        """Without time for it nothing is waited for."""
        self.successResultOf(self.api.site.give_notice(0))
        self.assertEqual(self.api.request("GET", "/healthcheck").status, 503)

    def test_handing_over(self) -> None:
        """Who retires says nothing to balancers: somebody else serves."""
        client = self.api.connect()
        self.api.site.drain(None, grace=5)
        self.assertEqual(client.request("GET", "/healthcheck").status, 200)

    def test_cut(self) -> None:
        """Whoever does not want to wait does not."""
        self.client.request("GET", "/versions")
        notice = self.api.site.give_notice(60)
        self.api.site.cut()
        self.successResultOf(notice)
        self.assertTrue(self.transport.is_aborted)
        self.client.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ConnectionTests(TransportCase):
    """The site knows its connections, and no more than those."""

    def test_forgets_them(self) -> None:
        """A connection that is gone is forgotten."""
        self.client.request("GET", "/versions")
        self.assertEqual(len(self.api.site._channels), 1)
        self.client.disconnect()
        self.assertEqual(len(self.api.site._channels), 0)

    def test_http_2_stays_off(self) -> None:
        """Clients that could speak HTTP/2 are told to speak HTTP/1.1."""
        self.assertEqual(self.api.site.acceptableProtocols(), [b"http/1.1"])

    def test_channel_is_ours(self) -> None:
        """No wrapper of Twisted's hides that half-closed connections are understood."""
        self.client.request("GET", "/versions")
        [channel] = self.api.site._channels
        self.assertIsInstance(channel, StreamingChannel)


class AccessLogTests(TransportCase):
    """One line for each response."""

    def test_line(self) -> None:
        """It names client, request, status and bytes, but no query."""
        events = logged_events(self)
        self.have_image(b"hello")
        self.api.request("GET", f"/v1/images/{IMAGE_ID}?token=secret")
        line = events[-1]
        self.assertEqual(line["log_namespace"], "glancetx.access")
        self.assertEqual(
            (line["client"], line["method"], line["path"], line["status"], line["sent"]),
            ("127.0.0.1", "GET", f"/v1/images/{IMAGE_ID}", 200, 5),
        )

    def test_broken_off(self) -> None:
        """A request whose connection breaks has its line too, and only one."""
        events = logged_events(self)
        self.begin_upload(10)
        self.client.send(b"hello")
        self.wait(2)
        self.client.disconnect()
        [line] = [each for each in events if each["log_namespace"] == "glancetx.access"]
        self.assertEqual((line["received"], line["seconds"], line["is_whole"]), (5, 2, False))
        self.assertTrue(formatEvent(line).endswith(" 0 5 2.000 - - cut"), formatEvent(line))

    def test_not_a_request(self) -> None:
        """A connection that breaks within a head has none."""
        events = logged_events(self)
        self.client.send(b"GET /v1/images HTT")
        self.client.disconnect()
        self.assertEqual(events, [])

    def test_answered_early(self) -> None:
        """A request that is answered before its body is in has one line, whatever comes."""
        events = logged_events(self)
        self.client.begin("PUT", "/v1/images/none", UPLOAD, 10)
        self.client.disconnect()
        lines = [each for each in events if each["log_namespace"] == "glancetx.access"]
        self.assertEqual([each["status"] for each in lines], [404])

    def test_request_id(self) -> None:
        """It is the one that the client is told."""
        events = logged_events(self)
        response = self.api.request("GET", "/v1/images")
        self.assertEqual(events[-1]["request_id"], response.header("x-openstack-request-id"))

    def test_text(self) -> None:
        """The line reads the same whatever the client asks for."""
        events = logged_events(self)
        sent = len(self.api.request("GET", "/{code}/%7B").body)
        line = f'127.0.0.1 "GET /{{code}}/%7B" 300 {sent} 0 0.000 - -'
        self.assertEqual(formatEvent(events[-1]), line)
