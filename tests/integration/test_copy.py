"""Images from web servers on loopback, which the operator allows: copied, left there, and torn."""

import hashlib

from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.static import File

from tests.integration.daemon import (
    FORMATS,
    eventually,
    folder,
    free_port,
    marked_file,
    reactor,
    start,
)

MIB = 1 << 20


class Slow(Resource):
    """Announces 64 MiB, gives half of them, and then nothing until it is told to go on."""

    isLeaf = True

    def __init__(self):
        super().__init__()
        self.waiting = []

    def render(self, request):
        request.setHeader("Content-Length", str(64 * MIB))
        if request.method != b"HEAD":
            request.write(bytes(32 * MIB))
            self.waiting.append(request)
            return NOT_DONE_YET
        return b""

    def go_on(self):
        """Give the rest."""
        for request in self.waiting:
            request.write(bytes(32 * MIB))
            request.finish()


class CopyCase(TestCase):
    """A source, and a daemon that may read from it, with an image's lease of two seconds."""

    timeout = 180

    def setUp(self):
        self.place = folder(self)
        self.slow = Slow()
        root = File(str(self.place))
        root.putChild(b"slow", self.slow)
        site = Site(root)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self.hang_up)
        self.source = f"http://127.0.0.1:{port.getHost().port}"

    def hang_up(self):
        for request in self.slow.waiting:
            if not request.finished and request.channel is not None:
                request.transport.abortConnection()

    async def daemon(self, *options, data=None):
        config = self.place / "glance.toml"
        config.write_text(
            "transfer_lease = 2\n"
            '[[store]]\nkind = "file"\n'
            f'directory = "{(data or self.place / "data") / "images"}"\n'
            '[[store]]\nkind = "http"\nallow = "127.0.0.1"\n'
        )
        return await start(self, "--config", config, *options, data=data or self.place / "data")

    async def create(self, daemon, path, **headers):
        """The answer to a POST that copies from this path of the source."""
        fields = {"x-glance-api-copy-from": self.source + path, **headers}
        return await daemon.ask("POST", "/v1/images", fields)

    async def copying(self, daemon):
        """The id of an image half of which has been copied."""
        answer = await self.create(daemon, "/slow")
        self.assertEqual(answer.status, 201)
        image_id = answer.json["image"]["id"]
        await daemon.becomes(image_id, "saving")
        await eventually(lambda: daemon.files() != [])
        return image_id


class CopyTests(CopyCase):
    """Copy-from and external locations over real sockets."""

    async def test_copy(self):
        """The answer comes at once, the bytes in the background, and then they are ours (C-21)."""
        file, digest = marked_file(self.place / "image", 64 * MIB)
        daemon = await self.daemon("--registry", "memory:")
        answer = await self.create(daemon, "/image")
        self.assertEqual((answer.status, answer.json["image"]["status"]), (201, "queued"))
        self.assertEqual(answer.json["image"]["size"], 64 * MIB)
        image_id = answer.json["image"]["id"]
        await daemon.becomes(image_id, "active")
        file.unlink()
        answer = await daemon.ask("GET", f"/v1/images/{image_id}")
        self.assertEqual(hashlib.md5(answer.body).hexdigest(), digest)
        self.assertEqual(answer.headers["etag"], digest)
        daemon.assert_quiet()
        self.assertNotIn(self.source, daemon.log)

    async def test_nothing_there(self):
        """What is missing is told at once, or in the record (C-22, C-23)."""
        daemon = await self.daemon("--registry", "memory:")
        self.assertEqual((await self.create(daemon, "/none")).status, 404)
        closed = f"http://127.0.0.1:{free_port()}/"
        answer = await daemon.ask("POST", "/v1/images", {"x-glance-api-copy-from": closed})
        self.assertEqual(answer.status, 400)
        answer = await self.create(daemon, "/none", **{"x-image-meta-size": "11"})
        self.assertEqual(answer.status, 201)
        await daemon.becomes(answer.json["image"]["id"], "killed")
        daemon.assert_quiet()

    async def test_location(self):
        """An image stays where it is, and is read from there, whole or in part (C-29)."""
        file, digest = marked_file(self.place / "image", 8 * MIB)
        daemon = await self.daemon("--registry", "memory:")
        headers = {**FORMATS, "x-image-meta-location": f"{self.source}/image", "Content-Type": ""}
        answer = await daemon.ask("POST", "/v1/images", headers)
        self.assertEqual((answer.status, answer.json["image"]["status"]), (201, "active"))
        path = f"/v1/images/{answer.json['image']['id']}"
        self.assertEqual(daemon.files(), [])
        answer = await daemon.ask("GET", path)
        self.assertEqual(hashlib.md5(answer.body).hexdigest(), digest)
        answer = await daemon.ask("GET", path, {"Range": f"bytes={MIB}-{MIB + 7}"})
        self.assertEqual((answer.status, answer.body), (206, b"00000001"))
        self.assertEqual((await daemon.ask("DELETE", path)).status, 200)
        self.assertTrue(file.exists())
        daemon.assert_quiet()


class NotAllowedTests(TestCase):
    """A daemon with the stores that it has by default."""

    timeout = 60

    async def test_loopback(self):
        """It reads from the internet, and from no address of this machine (R22)."""
        daemon = await start(self, "--registry", "memory:")
        for name in "x-glance-api-copy-from", "x-image-meta-location":
            headers = {**FORMATS, name: f"{daemon.url}/healthcheck", "Content-Type": ""}
            answer = await daemon.ask("POST", "/v1/images", headers)
            self.assertEqual(answer.status, 400)
            self.assertIn(b"Invalid location", answer.body)


class EndTests(CopyCase):
    """A daemon ends while it copies."""

    async def test_killed(self):
        """After kill -9 another daemon kills the image in time, and no byte is left (R12)."""
        daemon = await self.daemon()
        image_id = await self.copying(daemon)
        daemon.signal("KILL")
        await daemon.ended()
        again = await self.daemon(data=daemon.data)
        await again.becomes(image_id, "killed", patience=15)
        await eventually(lambda: again.files() == [], patience=15)
        answer = await again.ask("HEAD", f"/v1/images/{image_id}")
        self.assertIn("went away", answer.headers["x-glancetx-status-reason"])
        again.assert_quiet()

    async def test_killed_while_it_waits(self):
        """So it is with a copy that waits for its source."""
        daemon = await self.daemon()
        closed = f"http://127.0.0.1:{free_port()}/"
        headers = {"x-glance-api-copy-from": closed, "x-image-meta-size": "5"}
        answer = await daemon.ask("POST", "/v1/images", headers)
        self.assertEqual(answer.json["image"]["status"], "queued")
        daemon.signal("KILL")
        await daemon.ended()
        again = await self.daemon(data=daemon.data)
        await again.becomes(answer.json["image"]["id"], "killed", patience=15)

    async def test_stopped_in_time(self):
        """A copy that ends within the drain ends well."""
        daemon = await self.daemon("--drain", "60")
        image_id = await self.copying(daemon)
        daemon.signal("TERM")
        await daemon.says("told to stop")
        self.slow.go_on()
        self.assertEqual(await daemon.ended(), 0)
        again = await self.daemon(data=daemon.data)
        self.assertEqual(await again.status_of(image_id), "active")
        daemon.assert_quiet()

    async def test_stopped(self):
        """One that does not is killed with its reason, before the daemon ends."""
        daemon = await self.daemon("--drain", "1")
        image_id = await self.copying(daemon)
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(20), 0)
        self.assertEqual(daemon.files(), [])
        daemon.assert_quiet()
        again = await self.daemon(data=daemon.data)
        answer = await again.ask("HEAD", f"/v1/images/{image_id}")
        self.assertEqual(answer.headers["x-image-meta-status"], "killed")
        self.assertIn("was stopped", answer.headers["x-glancetx-status-reason"])
