"""Tests of how one body comes from a real socket, while the reactor does not turn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from glancetx.web.body import RequestBody
from glancetx.web.receivers import LARGEST_READ, SMALLEST_READ, Receivers
from glancetx.web.receiving import LARGEST_CHUNKED_READ_OF_TLS, MOST_TINY, Receiving
from glancetx.web.rounds import Rounds

#: What a socket has room for, and more than anybody's share of many.
MUCH = 100_000


class Client:
    """One that sends, and a server that reads what its transport brings."""

    def __init__(self, case: ReceivingCase, length: int | None = 1 << 30) -> None:
        ours, self.theirs = socket.socketpair()
        self.theirs.setblocking(False)
        ours.setblocking(False)
        case.addCleanup(ours.close)
        case.addCleanup(self.theirs.close)
        self.patience = 0
        self.pieces: list[bytes] = []
        self.then: Callable[[], None] = lambda: None
        self.transport: Any = Connection(ours, self, case.reactor)  # type: ignore[arg-type]
        self.transport.connected = True
        self.transport.pauseProducing()
        channel: Any = SimpleNamespace(
            site=SimpleNamespace(receivers=case.receivers),
            transport=self.transport,
            resetTimeout=self.reset,
            is_behind=False,
            isSecure=lambda: ISSLTransport.providedBy(channel.transport),
        )
        self.channel = channel
        self.receiving = Receiving(channel)
        self.body = RequestBody(self.receiving, lambda: None)
        self.body.length = length
        self.receiving.begin(self.body)

    def reset(self) -> None:
        self.patience += 1

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.pieces.append(data)
        self.receiving.piece_came(len(data))
        self.body.received += len(data)
        self.then()

    def connectionLost(self, reason: object) -> None:  # noqa: N802
        self.receiving.end()


class ReceivingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.receivers = Receivers(self.reactor, Rounds(self.reactor))
        # A crowd whose shares are small.
        self.receivers.count = 1000

    def sending(self, size: int = MUCH, length: int | None = 1 << 30) -> Client:
        """A client that has sent so much, and is to go on."""
        client = Client(self, length)
        client.theirs.send(bytes(size))
        client.receiving.resumeProducing()
        return client

    def is_reading(self, client: Client) -> bool:
        """Whether the reactor watches the client's socket."""
        return client.transport in self.reactor.readers


class LargeReadTests(ReceivingCase):
    """More than the share at once, in turns."""

    def test_much(self) -> None:
        """All that is there comes in one read, and the client waits for what is done with it."""
        client = self.sending()
        client.then = client.receiving.pauseProducing
        self.assertEqual((client.pieces, self.is_reading(client)), ([], False))
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])
        self.assertFalse(self.is_reading(client))
        self.assertTrue(self.receivers.has_turn(client.receiving))
        self.assertEqual(client.transport.bufferSize, SMALLEST_READ)
        client.receiving.resumeProducing()
        self.assertFalse(self.receivers.has_turn(client.receiving))
        self.assertTrue(self.is_reading(client))
        self.assertEqual(client.patience, 2)

    def test_little(self) -> None:
        """For no more than the share nobody waits."""
        client = self.sending(SMALLEST_READ)
        self.assertTrue(self.is_reading(client))
        self.assertEqual(client.transport.bufferSize, SMALLEST_READ)

    def test_few_clients(self) -> None:
        """Who may read as much at any time need not wait for it."""
        self.receivers.count = 0
        client = self.sending()
        self.assertTrue(self.is_reading(client))
        self.assertEqual(client.transport.bufferSize, LARGEST_READ)

    def test_chunked(self) -> None:
        """Nobody knows how much is still to come of chunks, and much of it is read, too."""
        client = self.sending(length=None)
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])
        self.receivers.count = 1
        client.receiving.resumeProducing()
        self.assertEqual(client.transport.bufferSize, LARGEST_READ)

    def test_chunked_under_tls(self) -> None:
        """R27: nobody can interrupt the loop that hands a read's records over."""
        for length, size in ((None, LARGEST_CHUNKED_READ_OF_TLS), (1 << 30, LARGEST_READ)):
            client = Client(self, length)
            outer = SimpleNamespace(transport=client.transport)
            directlyProvides(outer, ISSLTransport)
            client.channel.transport = outer
            self.receivers.count = 0
            client.receiving.begin(client.body)
            self.assertEqual(client.transport.bufferSize, size)

    def test_tiny_pieces(self) -> None:
        """Reads are small after many that brought little, until one brings more."""
        self.receivers.count = 0
        client = Client(self)
        for _ in range(MOST_TINY):
            client.receiving.piece_came(1)
        self.assertEqual(client.transport.bufferSize, SMALLEST_READ)
        client.receiving.resumeProducing()
        self.assertEqual(client.transport.bufferSize, SMALLEST_READ)
        client.receiving.piece_came(1 << 20)
        client.receiving.resumeProducing()
        self.assertEqual(client.transport.bufferSize, LARGEST_READ)

    def test_no_more_than_the_body(self) -> None:
        """What comes behind the body is not read with it."""
        client = self.sending(MUCH + 20_000, length=MUCH)
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])

    def test_little_of_the_body_is_left(self) -> None:
        """For the end of a body nobody waits, however much has come behind it."""
        client = self.sending(length=SMALLEST_READ)
        self.assertTrue(self.is_reading(client))

    def test_paused_by_others(self) -> None:
        """A channel that pauses its transport within the read has the last word."""
        client = self.sending()
        client.then = client.transport.pauseProducing
        self.reactor.advance(0)
        self.assertFalse(self.is_reading(client))

    def test_not_paused(self) -> None:
        """Who is not asked to wait for what it has brought gives the read back at once."""
        client = self.sending()
        self.reactor.advance(0)
        self.assertFalse(self.receivers.has_turn(client.receiving))
        self.assertTrue(self.is_reading(client))

    def test_resumed_within_the_read(self) -> None:
        """A consumer that is done at once changes nothing, also when there is more by then."""
        client = Client(self)

        def at_once() -> None:
            client.theirs.send(bytes(MUCH))
            client.receiving.pauseProducing()
            client.receiving.resumeProducing()

        client.then = at_once
        client.theirs.send(bytes(MUCH))
        client.receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertFalse(self.receivers.has_turn(client.receiving))
        self.assertTrue(self.is_reading(client))

    def test_more_comes_within_the_read(self) -> None:
        """Whoever goes on within a read does not ask for the next one, and leave it unused."""
        first, second, *others = [Client(self) for _ in range(self.receivers.turns + 1)]
        for client in (*others, first, second):
            client.then = client.receiving.pauseProducing
            client.theirs.send(bytes(MUCH))
            client.receiving.resumeProducing()

        def go_on() -> None:
            first.theirs.send(bytes(MUCH))
            first.receiving.resumeProducing()

        first.then = go_on
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.assertFalse(self.receivers.has_turn(first.receiving))
        for client in (second, *others):
            self.assertTrue(self.receivers.has_turn(client.receiving))
            client.receiving.pauseProducing()
            client.receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertFalse(self.receivers.has_turn(first.receiving))

    def test_turns(self) -> None:
        """More clients than turns: the others' bytes stay in the network until one is done."""
        clients = [Client(self) for _ in range(self.receivers.turns + 1)]
        for client in clients:
            client.then = client.receiving.pauseProducing
            client.theirs.send(bytes(MUCH))
            client.receiving.resumeProducing()
        self.reactor.advance(0)
        *served, last = clients
        self.assertEqual([len(each.pieces) for each in clients], [1] * len(served) + [0])
        served[0].receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual(list(map(len, last.pieces)), [MUCH])


class BehindTests(ReceivingCase):
    """More has been read than the channel can look at, at once."""

    def behind(self, *, is_paused: bool) -> Client:
        client = Client(self)
        client.theirs.send(bytes(MUCH))
        client.channel.is_behind = True
        client.receiving.resumeProducing()
        if is_paused:
            client.receiving.pauseProducing()
        self.reactor.advance(0)
        return client

    def test_nothing_more_is_read(self) -> None:
        """Until it has caught up, whatever the body asks for."""
        client = self.behind(is_paused=False)
        self.assertEqual((client.pieces, self.is_reading(client)), ([], False))
        client.channel.is_behind = False
        client.receiving.caught_up()
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])

    def test_body_waits_too(self) -> None:
        """And not by then either when nobody wants more."""
        client = self.behind(is_paused=True)
        client.channel.is_behind = False
        client.receiving.caught_up()
        self.reactor.advance(0)
        self.assertEqual((client.pieces, self.is_reading(client)), ([], False))

    def test_turn_is_kept(self) -> None:
        """What it has read is in memory until then: nobody else is lent as much."""
        client = self.sending()

        def fall_behind() -> None:
            client.channel.is_behind = True

        client.then = fall_behind
        self.reactor.advance(0)
        self.assertTrue(self.receivers.has_turn(client.receiving))
        client.channel.is_behind = False
        client.receiving.caught_up()
        self.assertFalse(self.receivers.has_turn(client.receiving))


class OthersTests(ReceivingCase):
    """The transport is let go on by somebody who does not ask."""

    def is_let_go_on(self, client: Client) -> bool:
        client.transport.resumeProducing()
        client.receiving.stay_paused()
        return self.is_reading(client)

    def test_has_to_wait(self) -> None:
        """It waits for the body, for its turn, and for the channel."""
        paused, waiting, behind = self.sending(), self.sending(), self.sending(0)
        paused.receiving.pauseProducing()
        behind.channel.is_behind = True
        for client in (paused, waiting, behind):
            self.assertFalse(self.is_let_go_on(client))

    def test_need_not_wait(self) -> None:
        """Nobody wants it to wait."""
        self.assertTrue(self.is_let_go_on(self.sending(0)))


class EndTests(ReceivingCase):
    """Nothing is kept for one who wants no more."""

    def test_paused_while_waiting(self) -> None:
        """Who is paused before its turn reads nothing, and has no turn."""
        client = self.sending()
        client.receiving.pauseProducing()
        self.reactor.advance(0)
        self.assertEqual(client.pieces, [])
        self.assertFalse(self.receivers.has_turn(client.receiving))

    def test_paused_and_resumed_while_waiting(self) -> None:
        """One read is one read."""
        client = self.sending()
        client.then = client.receiving.pauseProducing
        client.receiving.pauseProducing()
        client.receiving.resumeProducing()
        client.receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])
        self.assertTrue(self.receivers.has_turn(client.receiving))

    def test_resumed_again(self) -> None:
        """Who has a turn does not lose it to others by being told to go on once more."""
        clients = [self.sending() for _ in range(self.receivers.turns + 1)]
        clients[0].receiving.resumeProducing()
        self.assertTrue(self.receivers.has_turn(clients[0].receiving))
        self.assertFalse(self.receivers.has_turn(clients[-1].receiving))

    def test_turn_that_was_given_up(self) -> None:
        """Who gave up a turn and waits for another one does not read in the place of the first."""
        clients = [self.sending() for _ in range(self.receivers.turns + 1)]
        for client in clients:
            client.then = client.receiving.pauseProducing
        clients[0].receiving.pauseProducing()
        clients[0].receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual([len(each.pieces) for each in clients], [0] + [1] * (len(clients) - 1))

    def test_turn_that_was_taken_up_again(self) -> None:
        """A turn that was given up and had again is one read, whatever comes meanwhile."""
        client = self.sending()

        def more() -> None:
            client.theirs.send(bytes(MUCH))
            client.receiving.pauseProducing()

        client.then = more
        client.receiving.pauseProducing()
        client.receiving.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])

    def test_ended_while_waiting(self) -> None:
        """The connection is gone: there is no socket to read any more."""
        client = self.sending()
        client.receiving.end()
        client.receiving.end()
        self.reactor.advance(0)
        self.assertEqual(client.pieces, [])
        self.assertEqual(self.receivers.count, 1000)

    def test_ends_with_the_read(self) -> None:
        """The last bytes are in: the next request of the connection is read as any other."""
        client = self.sending()
        client.then = client.receiving.end
        self.reactor.advance(0)
        self.assertTrue(self.is_reading(client))
        self.assertEqual(client.transport.bufferSize, SMALLEST_READ)
        self.assertFalse(self.receivers.has_turn(client.receiving))

    def test_client_leaves_while_waiting(self) -> None:
        """The reactor finds that the client has left, as soon as it may look."""
        client = self.sending()
        client.theirs.close()
        self.reactor.advance(0)
        self.assertEqual(list(map(len, client.pieces)), [MUCH])
        self.assertTrue(self.is_reading(client))

    def test_no_socket_any_more(self) -> None:
        """A connection that is gone, whatever was told of it, is not read, and has no turn."""
        client = self.sending()
        client.transport.connected = False
        client.transport.doRead = lambda: self.fail("there is no socket")
        self.reactor.advance(0)
        self.assertFalse(self.receivers.has_turn(client.receiving))

    def test_program_error(self) -> None:
        """An error while bytes are taken in breaks the connection, as it does in the reactor."""
        client = self.sending()
        aborted = []
        client.transport.abortConnection = lambda: aborted.append(True)

        def fail() -> None:
            raise ZeroDivisionError

        client.then = fail
        self.assertRaises(ZeroDivisionError, self.reactor.advance, 0)
        self.assertEqual(aborted, [True])
        self.assertFalse(self.receivers.has_turn(client.receiving))
