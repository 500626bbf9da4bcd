"""Tests of what Twisted's transports know."""

from __future__ import annotations

import socket

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from glancetx.testing.http import MemoryTransport
from glancetx.web.transports import Progress, below_tls


class BelowTlsTests(SynchronousTestCase):
    """The transport of the network."""

    def test_plain(self) -> None:
        """Without TLS it is the one."""
        transport = MemoryTransport()
        self.assertIs(below_tls(transport), transport)

    def test_tls(self) -> None:
        """With TLS it is the one below."""
        outer, inner = MemoryTransport(), MemoryTransport()
        outer.transport = inner  # type: ignore[attr-defined]
        directlyProvides(outer, ISSLTransport)
        self.assertIs(below_tls(outer), inner)


class ProgressTests(SynchronousTestCase):
    """Whether a client takes what is written."""

    def setUp(self) -> None:
        self.transport = MemoryTransport(send_buffer=0)
        self.transport.write(b"hello")
        self.progress = Progress(self.transport)

    def test_none(self) -> None:
        """Nothing taken."""
        self.assertFalse(self.progress.was_made())

    def test_some(self) -> None:
        """Each byte counts, once."""
        self.transport.taken(1)
        self.assertTrue(self.progress.was_made())
        self.assertFalse(self.progress.was_made())
        self.transport.taken(1)
        self.assertTrue(self.progress.was_made())

    def test_all(self) -> None:
        """When everything is taken, there is nothing to wait for."""
        self.transport.taken()
        self.assertFalse(self.progress.was_made())

    def test_unknown_transport(self) -> None:
        """A transport that keeps its count elsewhere makes no progress that we see."""
        self.assertFalse(Progress(object()).was_made())

    def test_sockets_keep_count(self) -> None:
        """What we read is there in the sockets of this Twisted."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        connection = Connection(ours, None, MemoryReactorClock())  # type: ignore[arg-type]
        self.assertEqual(len(connection.dataBuffer) - connection.offset, 0)
        self.assertEqual(connection._tempDataLen, 0)
