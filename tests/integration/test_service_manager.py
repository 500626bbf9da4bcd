"""A daemon of systemd's: it tells when it serves, reads its configuration again, and ends."""

import socket

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import PATIENCE, READY, folder, launch


class NotifyTests(TestCase):
    """Type=notify"""

    timeout = 60

    async def test_life(self):
        """READY=1 comes when the daemon listens, and not before."""
        address = str(folder(self) / "notify")
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(heard.close)
        heard.bind(address)
        heard.settimeout(PATIENCE)
        daemon = launch(self, "--registry", "memory:", environment={"NOTIFY_SOCKET": address})
        self.assertEqual(await deferToThread(heard.recv, 1000), b"READY=1")
        await daemon.says(READY)
        await daemon.ready()
        self.assertEqual((await daemon.ask("GET", "/v1/images")).status, 200)
        daemon.signal("HUP")
        self.assertIn(b"RELOADING=1\n", await deferToThread(heard.recv, 1000))
        self.assertEqual(await deferToThread(heard.recv, 1000), b"READY=1")
        daemon.signal("TERM")
        self.assertEqual(await deferToThread(heard.recv, 1000), b"STOPPING=1")
        self.assertEqual(await daemon.ended(), 0)
