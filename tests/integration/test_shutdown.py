"""SIGTERM: transfers may end, what does not end is cleared up, and everything is closed."""

import signal
import socket

from twisted.trial.unittest import TestCase

from tests.integration.daemon import eventually, folder, launch, marked_file, start

MIB = 1 << 20


class DrainTests(TestCase):
    """What runs when the daemon is told to stop."""

    timeout = 120

    async def test_transfers_may_end(self):
        """A slow upload and a slow download end well, nobody new is let in, the status is 0."""
        daemon = await start(self, "--drain", "60")
        place = folder(self)
        file, digest = marked_file(place / "image", 32 * MIB)
        stored = await daemon.uploaded(file)
        image_id = await daemon.reserve()
        upload = daemon.put(image_id, file, "--limit-rate", "8M")
        copy = place / "copy"
        download = daemon.get(stored, copy, "--limit-rate", "8M")
        await daemon.becomes(image_id, "saving")
        await eventually(lambda: copy.exists() and copy.stat().st_size)
        daemon.signal("TERM")
        await eventually(lambda: self.is_refused(daemon), patience=2)
        self.assertTrue(upload.is_running and download.is_running)
        self.assertIn(f'"checksum": "{digest}"'.encode(), await upload.succeeds())
        await download.succeeds()
        self.assertEqual(copy.stat().st_size, 32 * MIB)
        self.assertEqual(await daemon.ended(), 0)
        self.assert_in_order(daemon)
        again = await start(self, data=daemon.data)
        self.assertEqual(await again.status_of(image_id), "active")

    async def test_stuck_upload_is_cut(self):
        """What has not ended after the drain is cut, and cleared up before the end."""
        daemon = await start(self, "--drain", "1")
        image_id, _ = await daemon.begun_upload()
        self.assertEqual(len(daemon.files()), 1)
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(15), 0)
        self.assertEqual(daemon.files(), [])
        self.assert_in_order(daemon)
        again = await start(self, data=daemon.data)
        self.assertEqual(await again.status_of(image_id), "killed")

    async def test_second_signal(self):
        """Whoever tells it again does not want to wait; what is cut is cleared up all the same."""
        for first, second in (("TERM", "INT"), ("INT", "TERM")):
            daemon = await start(self, "--drain", "600")
            await daemon.begun_upload()
            daemon.signal(first)
            await daemon.says("told to stop")
            daemon.signal(second)
            daemon.signal(second)
            self.assertEqual(await daemon.ended(), 0)
            self.assertEqual(daemon.files(), [])
            self.assert_in_order(daemon)

    async def test_stuck_download_is_cut(self):
        """A reader that does not read cannot hold the daemon."""
        daemon = await start(self, "--registry", "memory:", "--drain", "1")
        file, _ = marked_file(folder(self) / "image", 32 * MIB)
        image_id = await daemon.uploaded(file)
        reader = self.connect(daemon)
        reader.sendall(f"GET /v1/images/{image_id} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        self.assertEqual(reader.recv(15), b"HTTP/1.1 200 OK")
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(10), 0)
        daemon.assert_quiet()

    async def test_notice(self):
        """With a notice it serves on for a while, and says that nobody is to come any more."""
        daemon = await start(self, "--registry", "memory:", "--drain-notice", "2")
        self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 200)
        daemon.signal("TERM")
        await daemon.says("told to stop")
        self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 503)
        answer = await daemon.ask("GET", "/v1/images")
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertEqual(await daemon.ended(10), 0)
        self.assertTrue(self.is_refused(daemon))

    async def test_notice_of_workers(self):
        """Each of several workers does the same; told again, nobody waits."""
        daemon = await start(self, "--drain-notice", "600", "--workers", "2")
        daemon.signal("TERM")
        await daemon.says("told to stop")
        await eventually(lambda: self.is_leaving(daemon))
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(), 0)
        self.assert_in_order(daemon)

    async def is_leaving(self, daemon):
        """Whether both workers say so, as far as eight connections can tell."""
        answers = [await daemon.ask("GET", "/healthcheck") for _ in range(8)]
        return {answer.status for answer in answers} == {503}

    async def test_idle_connections_do_not_count(self):
        """A client that keeps its connection and asks nothing is not waited for."""
        daemon = await start(self, "--registry", "memory:", "--drain", "60")
        client = self.connect(daemon)
        client.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(client.recv(15))
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(10), 0)

    def is_refused(self, daemon):
        """Whether a new connection is refused."""
        try:
            self.connect(daemon)
        except ConnectionRefusedError:
            return True
        return False

    def connect(self, daemon):
        """A connection that is closed when the test is over."""
        connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=10)
        self.addCleanup(connection.close)
        return connection

    def assert_in_order(self, daemon):
        """PostgreSQL was shut down in order, and nothing went wrong."""
        self.assertIn("database system is shut down", daemon.log)
        self.assertIsNone(daemon.postgres())
        daemon.assert_quiet()


class StartingTests(TestCase):
    """SIGTERM while the daemon is still starting."""

    timeout = 120

    async def test_anywhere_while_starting(self):
        """It ends in order wherever it was, and the next daemon starts on the same data."""
        data = folder(self) / "data"
        for moment in ("initdb: creating", "initdb: syncing", "starting PostgreSQL", "schema is"):
            daemon = launch(self, data=data)
            await daemon.says(moment)
            daemon.signal("TERM")
            self.assertEqual(await daemon.ended(), 0, moment)
            self.assertIsNone(daemon.postgres())
            daemon.assert_quiet()
        await start(self, data=data)

    async def test_keyboard(self):
        """Ctrl-C, which reaches the daemon alone, does the same."""
        daemon = await start(self)
        daemon.signal(signal.SIGINT.name[3:])
        self.assertEqual(await daemon.ended(), 0)
        self.assertIn("database system is shut down", daemon.log)
