"""Whoever started the daemon hears how it goes, in the words of sd_notify(3)."""

import os
import re
import socket
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.daemon import Daemon
from glancetx.service_manager import ServiceManager


class Reloading:
    """A server that is told to reload, and does so when the test says."""

    def __init__(self):
        self.reloads = []

    def reload(self):
        self.reloads.append(Deferred())
        return self.reloads[-1]


class ServiceManagerTests(SynchronousTestCase):
    """Datagrams to the socket that NOTIFY_SOCKET names."""

    def listen(self, address):
        """A socket that hears what is told at an address."""
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(heard.close)
        heard.bind(address)
        heard.settimeout(5)
        return heard

    def test_what_is_told(self):
        """READY, RELOADING with the time of the monotonic clock, and STOPPING."""
        path = str(Path(self.mktemp()).absolute())
        path = path if len(path) < 100 else tempfile.mktemp(prefix="notify-")
        heard = self.listen(path)
        manager = ServiceManager.of({"NOTIFY_SOCKET": path})
        manager.ready()
        self.assertEqual(heard.recv(1000), b"READY=1")
        manager.reloading()
        self.assertTrue(re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", heard.recv(1000)))
        manager.stopping()
        self.assertEqual(heard.recv(1000), b"STOPPING=1")
        os.unlink(path)

    def test_reloads(self):
        """READY comes when all is done that was asked for, however often it was."""
        heard = self.listen(f"\0{(name := f'glancetx-{uuid4()}')}")
        heard.setblocking(False)
        server: Any = Reloading()
        daemon = Daemon(Clock(), server, ServiceManager(f"@{name}"))
        daemon._serves = True
        for _ in range(2):
            daemon._told_to_reload()
        server.reloads[1].callback(None)
        for _ in range(2):
            self.assertTrue(heard.recv(1000).startswith(b"RELOADING=1"))
        self.assertRaises(BlockingIOError, heard.recv, 1000)
        server.reloads[0].callback(None)
        self.assertEqual(heard.recv(1000), b"READY=1")

    def test_abstract_socket(self):
        """An address that begins with @ is a name that is in no directory."""
        name = f"glancetx-{uuid4()}"
        heard = self.listen(f"\0{name}")
        ServiceManager.of({"NOTIFY_SOCKET": f"@{name}"}).ready()
        self.assertEqual(heard.recv(1000), b"READY=1")

    def test_nobody_asked(self):
        """Who was not started by a service manager tells nothing."""
        ServiceManager.of({}).ready()

    def test_nobody_listens(self):
        """A service manager that is gone is not waited for, and stops nobody."""
        ServiceManager(f"{self.mktemp()}/nowhere").ready()

    def test_children(self):
        """What we start ourselves, such as PostgreSQL, cannot speak for us."""
        environment = {"NOTIFY_SOCKET": "/run/notify", "HOME": "/"}
        self.assertEqual(ServiceManager.of(environment).address, "/run/notify")
        self.assertEqual(environment, {"HOME": "/"})
