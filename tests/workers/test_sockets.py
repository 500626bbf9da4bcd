"""Sockets that are opened in one process and accepted from in others."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.config import ConfigError
from glancetx.workers.sockets import Binder, Heir, numbered
from tests.integration.daemon import reactor

LOCAL = "tcp:0:interface=127.0.0.1"


class Greeting(Factory):
    """Says its own word to whoever comes."""

    def __init__(self, word):
        self.word = word

    def buildProtocol(self, addr):
        return _Greeter(self.word)


class _Greeter(Protocol):
    transport: Any

    def __init__(self, word):
        self._word = word

    def connectionMade(self):
        self.transport.write(self._word)
        self.transport.loseConnection()


class _Listener(Protocol):
    def __init__(self, said):
        self._said = said

    def dataReceived(self, data):
        self._said.callback(data)


class SocketCase(TestCase):
    """Binder and heirs in this process."""

    timeout = 30

    async def bind(self, *listen, workers=2):
        binder = Binder(reactor, workers)
        self.addCleanup(binder.close)
        await binder.open(listen, [serverFromString(binder, text) for text in listen])
        return binder

    async def inherit(self, binder, number, listen, word=b"hello"):
        """The ports of one that serves as worker ``number`` would."""
        heir = Heir(reactor, [os.dup(each) for each in binder.handed_to(number)])
        greeting = Greeting(word)
        ports = [await serverFromString(heir, text).listen(greeting) for text in listen]
        for port in ports:
            self.addCleanup(port.stopListening)
        return ports

    def greeted(self, family, address):
        """Fires with what is said to a connection."""
        client = socket.socket(family)
        client.connect(address)
        said: Deferred[bytes] = Deferred()
        reactor.adoptStreamConnection(client.fileno(), family, _Once(_Listener(said)))
        client.close()
        return said.addTimeout(10, reactor)


class _Once(Factory):
    def __init__(self, protocol):
        self._protocol = protocol

    def buildProtocol(self, addr):
        return self._protocol


class BinderTests(SocketCase):
    """What the supervisor does."""

    async def test_one_for_each(self):
        """A TCP port has a socket for each worker, all on one port, which is told."""
        binder = await self.bind(LOCAL, workers=3)
        descriptors = [binder.handed_to(number) for number in (1, 2, 3)]
        self.assertEqual(len({each for [each] in descriptors}), 3)
        ports = {socket.socket(fileno=os.dup(each)).getsockname()[1] for [each] in descriptors}
        self.assertEqual(binder.addresses, [f"127.0.0.1:{port}" for port in ports])
        for [each] in descriptors:
            self.assertFalse(os.get_blocking(each))
            self.assertFalse(os.get_inheritable(each))

    async def test_taken(self):
        """A port that anybody has is not shared, not even with another binder of ours."""
        binder = await self.bind(LOCAL)
        taken = binder.addresses[0].rpartition(":")[2]
        other = Binder(reactor, 2)
        text = f"tcp:{taken}:interface=127.0.0.1"
        with self.assertRaises(CannotListenError):
            await other.open([text], [serverFromString(other, text)])
        await other.close()

    async def test_path(self):
        """A socket in the file system is one for all; it has its mode, and goes at the end."""
        path = Path(self.mktemp())
        binder = await self.bind(f"unix:{path}:mode=600")
        self.assertEqual(binder.handed_to(1), binder.handed_to(2))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(binder.addresses, [str(path)])
        await binder.close()
        self.assertFalse(path.exists())

    async def test_nothing_to_share(self):
        """An endpoint that asks for no socket is refused to several workers."""

        class Strange:
            async def listen(self, factory):
                return None

        with self.assertRaises(ConfigError) as raised:
            await Binder(reactor, 2).open(["strange:"], [Strange()])
        self.assertIn("--listen 'strange:'", str(raised.exception))

    def test_is_a_reactor(self):
        """Endpoints that look for more of a reactor find it."""
        binder = Binder(reactor, 2)
        self.assertTrue(IReactorTCP.providedBy(binder))
        self.assertEqual(binder.seconds, reactor.seconds)


class HeirTests(SocketCase):
    """What a worker does."""

    async def test_ports(self):
        """Each endpoint gets the socket that was opened for it, in either family."""
        listen = (LOCAL, "tcp6:0:interface=\\:\\:1")
        binder = await self.bind(*listen, workers=1)
        await self.inherit(binder, 1, listen)
        four, six = (address.rpartition(":")[2] for address in binder.addresses)
        said = await self.greeted(socket.AF_INET, ("127.0.0.1", int(four)))
        self.assertEqual(said, b"hello")
        self.assertEqual(await self.greeted(socket.AF_INET6, ("::1", int(six))), b"hello")

    async def test_successor(self):
        """While one takes over from another nobody is refused, and the path stays as it is."""
        path = self.mktemp()
        listen = (f"unix:{path}:mode=640",)
        binder = await self.bind(*listen)
        [port] = await self.inherit(binder, 1, listen, b"one")
        self.assertEqual(await self.greeted(socket.AF_UNIX, path), b"one")
        await port.stopListening()
        waiting = self.greeted(socket.AF_UNIX, path)
        await self.inherit(binder, 1, listen, b"two")
        self.assertEqual(await waiting, b"two")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)

    async def test_handed_down(self):
        """A socket that systemd made is adopted under its number, and stays open."""
        with socket.create_server(("127.0.0.1", 0)) as made:
            binder = Binder(reactor, 2)
            self.addCleanup(binder.close)
            made.setblocking(False)
            binder.adoptStreamPort(made.fileno(), socket.AF_INET, Factory())
            number, address = made.fileno(), made.getsockname()
        self.assertEqual(binder.addresses, [f"127.0.0.1:{address[1]}"])
        self.assertEqual((list(binder.fixed), binder.handed_to(1)), ([number], []))
        greeting = Greeting(b"hello")
        adopted = binder.fixed[number]
        port = Heir(reactor, []).adoptStreamPort(adopted, socket.AF_INET, greeting)
        self.addCleanup(lambda: maybeDeferred(port.stopListening))
        self.assertEqual(await self.greeted(socket.AF_INET, address), b"hello")


class NumberTests(SynchronousTestCase):
    """Under which numbers a worker finds what it is handed."""

    def test_numbers(self) -> None:
        """Behind the standard ones, and behind those that have to be where they are."""
        self.assertEqual(numbered([7, 9], {}), ({3: 7, 4: 9}, [3, 4]))
        self.assertEqual(numbered([7], {4: 8}), ({4: 8, 5: 7}, [5]))
        self.assertEqual(numbered([], {}), ({}, []))
