"""The image cache of real daemons: one read for many, two daemons on one directory, and kill -9."""

import hashlib
import os
import socket

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.static import File

from tests.integration.daemon import (
    FORMATS,
    PATIENCE,
    eventually,
    folder,
    marked_file,
    reactor,
    run,
    start,
)

MIB = 1 << 20

#: The size of the image that many want at once; the issue's own figure is 1024.
SIZE = int(os.environ.get("GLANCE_CACHE_MIB", "64")) * MIB

IMAGE_ID = "8f5d5a3e-6f3c-4c0e-9d1f-1d2c3b4a5f60"


class Counting(File):
    """Gives files, and counts how often it was asked for the bytes of one."""

    reads = 0

    def render(self, request):
        if request.method == b"GET":
            Counting.reads += 1
        return super().render(request)


class Hanging(Resource):
    """Gives the first half of a file and then nothing."""

    isLeaf = True

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.requests = []

    def render(self, request):
        data = self.path.read_bytes()
        request.setHeader("Content-Length", str(len(data)))
        if request.method == b"HEAD":
            return b""
        request.write(data[: len(data) // 2])
        self.requests.append(request)
        return NOT_DONE_YET


class CacheCase(TestCase):
    """A web server that has an image, and daemons that may read from it."""

    timeout = 1800

    def setUp(self):
        self.place = folder(self)
        Counting.reads = 0
        self.file, self.digest = marked_file(self.place / "image", SIZE)
        self.root = Counting(str(self.place))
        site = Site(self.root)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.source = f"http://127.0.0.1:{port.getHost().port}"

    def hang(self):
        """From now on the source hangs in the middle of the image."""
        hanging = Hanging(self.file)
        self.root.putChild(b"image", hanging)

        def hang_up():
            for request in hanging.requests:
                if request.channel is not None:
                    request.transport.abortConnection()

        self.addCleanup(hang_up)

    def go_on(self):
        """From now on it gives all of it."""
        del self.root.children[b"image"]

    async def daemon(self, *options, data=None, cache=None):
        """A daemon that knows the image, with a cache that others may share."""
        config = self.place / "glance.toml"
        directory = cache or self.place / "cache"
        config.write_text(
            f'image_cache_dir = "{directory}"\n[[store]]\nkind = "memory"\n'
            '[[store]]\nkind = "http"\nallow = "127.0.0.1"\n'
        )
        daemon = await start(self, "--config", config, "--registry", "memory:", *options)
        fields = {
            **FORMATS,
            "x-image-meta-id": IMAGE_ID,
            "x-image-meta-checksum": self.digest,
            "x-image-meta-size": str(SIZE),
            "x-image-meta-location": f"{self.source}/image",
        }
        answer = await daemon.ask("POST", "/v1/images", {**fields, "Content-Type": ""})
        self.assertEqual((answer.status, answer.json["image"]["size"]), (201, SIZE))
        return daemon

    def downloads(self, daemon, number):
        """So many clients, all at once; each says the MD5 of what it got."""
        command = f"set -o pipefail; curl -sSf {daemon.url}/v1/images/{IMAGE_ID} | md5sum"
        return [run(self, "/bin/bash", "-c", command) for _ in range(number)]

    async def assert_got_all(self, downloads):
        for each in downloads:
            said = await each.succeeds(1700)
            self.assertEqual(said.split()[0].decode(), self.digest)

    def partials(self):
        return list((self.place / "cache" / "partial").glob("*"))

    async def cached(self, daemon):
        answer = await daemon.ask("GET", "/v1/cached_images")
        return [(each["image_id"], each["hits"]) for each in answer.json["cached_images"]]

    async def becomes_cached(self, daemon):
        async def is_cached():
            return [image_id for image_id, _ in await self.cached(daemon)] == [IMAGE_ID]

        await eventually(is_cached)

    def open_socket(self, daemon):
        """A client that has asked for the image, and reads nothing."""
        client = socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)
        self.addCleanup(client.close)
        client.sendall(b"GET /v1/images/%b HTTP/1.0\r\n\r\n" % IMAGE_ID.encode())
        return client


def read_all(client):
    """The MD5 of the body that a socket brings."""
    with client.makefile("rb") as file:
        while file.readline().strip():
            pass
        return hashlib.file_digest(file, "md5").hexdigest()


class SingleFlightTests(CacheCase):
    """Many want the same cold image."""

    async def test_boot_storm(self):
        """64 clients cause one read of the backend, and one more a hit when it is gone."""
        daemon = await self.daemon()
        daemon.forget_memory()
        before = daemon.memory()
        await self.assert_got_all(self.downloads(daemon, 64))
        self.assertEqual(Counting.reads, 1)
        grown = daemon.memory() - before
        print(f"64 clients, {SIZE // MIB} MiB: {grown / MIB:.0f} MiB more memory at most")
        self.assertLess(grown, 160 * MIB)
        self.file.unlink()
        await self.assert_got_all(self.downloads(daemon, 1))
        await self.becomes_cached(daemon)
        daemon.assert_quiet()

    async def test_two_daemons(self):
        """Through two daemons on one directory it is one read, too, and both have the copy."""
        daemons = [await self.daemon(), await self.daemon()]
        downloads = [each for daemon in daemons for each in self.downloads(daemon, 8)]
        await self.assert_got_all(downloads)
        self.assertEqual(Counting.reads, 1)
        for daemon in daemons:
            await self.becomes_cached(daemon)
            daemon.assert_quiet()

    async def test_client_that_does_not_read(self):
        """One that takes nothing holds up nobody, and finds everything when it reads at last."""
        daemon = await self.daemon()
        idle = self.open_socket(daemon)
        await self.assert_got_all(self.downloads(daemon, 4))
        await self.becomes_cached(daemon)
        self.assertEqual(await deferToThread(read_all, idle), self.digest)
        self.assertEqual(Counting.reads, 1)


class CrashTests(CacheCase):
    """Daemons that end in the middle of a copy."""

    async def begun(self, *options):
        """A daemon that waits for the second half of a copy, and its client."""
        self.hang()
        daemon = await self.daemon(*options)
        (client,) = self.downloads(daemon, 1)
        await eventually(lambda: self.partials() and self.partials()[0].stat().st_size > 0)
        return daemon, client

    async def test_kill(self):
        """After kill -9 nothing half is trusted, and the next daemon clears it up."""
        daemon, client = await self.begun()
        daemon.signal("KILL")
        await daemon.ended()
        self.assertNotEqual(await client.ended(), 0)
        self.assertEqual(len(self.partials()), 1)
        self.go_on()
        again = await self.daemon()
        await eventually(lambda: self.partials() == [])
        self.assertEqual(await self.cached(again), [])
        await self.assert_got_all(self.downloads(again, 1))
        self.assertEqual(Counting.reads, 1)

    async def test_rival_is_killed(self):
        """Those who follow through another daemon get everything when the maker is killed."""
        daemon, _ = await self.begun()
        other = await self.daemon()
        downloads = self.downloads(other, 3)
        idle = self.open_socket(other)
        await deferToThread(idle.recv, 1, socket.MSG_PEEK)
        self.go_on()
        daemon.signal("KILL")
        await self.assert_got_all(downloads)
        self.assertEqual(Counting.reads, 1)
        await self.becomes_cached(other)
        other.assert_quiet()

    async def test_told_to_end(self):
        """A daemon that is told to end gives up its copy after the time to drain, cleanly."""
        daemon, client = await self.begun("--drain", "1")
        self.assertEqual(await daemon.stop(), 0)
        self.assertNotEqual(await client.ended(), 0)
        self.assertEqual(self.partials(), [])
        daemon.assert_quiet()


class CommandLineTests(CacheCase):
    """How a cache is asked for."""

    async def test_in_the_data_directory(self):
        """``--cache`` keeps it there; without it there is none."""
        daemon = await start(self, "--registry", "memory:", "--cache")
        image_id = await daemon.uploaded(self.file)
        await daemon.get(image_id, "/dev/null").succeeds()
        await eventually(lambda: (daemon.data / "cache" / "images" / image_id).exists())
        self.assertEqual((daemon.data / "cache").stat().st_mode & 0o777, 0o700)
        other = await start(self, "--registry", "memory:")
        answer = await other.ask("GET", "/v1/cached_images")
        self.assertEqual(answer.status, 404)

    async def test_prefetch(self):
        """What is queued is there soon."""
        daemon = await self.daemon()
        answer = await daemon.ask("PUT", f"/v1/queued_images/{IMAGE_ID}")
        self.assertEqual((answer.status, answer.body), (200, b"null"))
        await self.becomes_cached(daemon)
        self.assertEqual(Counting.reads, 1)
        await eventually(lambda: self._is_unqueued(daemon))

    async def _is_unqueued(self, daemon):
        answer = await daemon.ask("GET", "/v1/queued_images")
        return answer.json == {"queued_images": []}
