"""``glancetx import-glance``: a daemon serves what a Glance had, bytes where they were."""

import hashlib
import json
import sys
from urllib.parse import urlencode

from psycopg2.extensions import parse_dsn
from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import TestCase

from tests.glance_import.schemas import Glance
from tests.integration.daemon import FORMATS, folder, run, start
from tests.registry.server import fresh_database

#: Where Glance had its files, and where its host has them no longer.
GLANCE = "/var/lib/glance/images"

BODY = b"bytes of an image " * 1000
MD5 = hashlib.md5(BODY).hexdigest()

(PUBLIC, SHARED, LOST, DELETED, GOING, ELSEWHERE, GONE) = (
    f"{n}c3b5a36-0000-4000-8000-{n:012}" for n in range(7)
)

#: Those that can be imported.
GOOD = [PUBLIC, SHARED, DELETED, GOING, GONE]


class ImportCase(TestCase):
    """An installation, and the directory of a Glance's images."""

    timeout = 120

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.place = folder(self)
        self.images = self.place / "images"
        self.images.mkdir()
        self.options = [
            *("--registry", f"postgres:{await fresh_database(self)}"),
            *("--store", f"main=file:{self.images}"),
        ]

    def fill(self, glance):
        """Images of all kinds."""
        known = {"size": len(BODY), "checksum": MD5, "owner": "tenant"}
        for image_id in (PUBLIC, SHARED, GOING):
            (self.images / image_id).write_bytes(BODY)
        glance.image(PUBLIC, visibility="public", name="one", min_ram=3, **known)
        glance.child("image_properties", PUBLIC, name="os_distro", value="debian")
        glance.child("image_tags", PUBLIC, value="tag")
        glance.image(SHARED, visibility="shared", **known)
        glance.member(SHARED, "friend", can_share=True)
        glance.image(LOST, visibility="private", **known)
        gone = {"visibility": "private", "deleted": True, "deleted_at": "2018-01-01 00:00:00"}
        glance.image(DELETED, status="deleted", **gone)
        glance.image(GOING, status="pending_delete", **gone, **known)
        glance.image(GONE, status="pending_delete", **gone, **known)
        glance.image(ELSEWHERE, visibility="public", **known)
        for image_id in (PUBLIC, SHARED, LOST, GOING):
            glance.location(image_id, f"file://{GLANCE}/{image_id}")
        for image_id in (PUBLIC, ELSEWHERE, GONE):
            glance.location(image_id, f"rbd://fsid/pool/{image_id}/snap")

    async def take_over(self, url, *arguments):
        """The exit status of the command, and its answer."""
        rule = f"--map=file://{GLANCE}=main"
        command = ["import-glance", "--from", url, rule, "--json", *arguments]
        data = ["--data", self.place / "command"]
        process = run(self, sys.executable, "-m", "glancetx", *data, *self.options, *command)
        status = await process.ended()
        self.assertEqual(process.err, b"")
        return status, json.loads(process.out)

    async def launch(self):
        return await start(self, *self.options)


class ImportTests(ImportCase):
    """From SQLite, of the schema of Pike."""

    async def prepare(self):
        await super().prepare()
        self.url = f"sqlite:///{self.place / 'glance.db'}"
        self.fill(Glance.make(self.url, "pike"))

    async def test_everything(self):
        """What can be imported is served as Glance served it, and the rest is told."""
        status, said = await self.take_over(self.url, "--dry-run")
        self.assertEqual((status, said["new"]), (1, GOOD))
        status, said = await self.take_over(self.url)
        self.assertEqual(status, 1)
        self.assertEqual(said["imported"], GOOD)
        self.assertEqual((said["already"], said["tags"]), ([], 1))
        self.assertEqual([each["id"] for each in said["remarks"]], [PUBLIC, GONE])
        self.assertEqual([each["id"] for each in said["failed"]], [LOST, ELSEWHERE])
        self.assertIn("the store 'main' says", said["failed"][0]["error"])
        self.assertIn("no --map fits", said["failed"][1]["error"])
        daemon = await self.launch()
        await self.assert_served(daemon)
        await self.assert_gone(daemon)
        self.assertEqual((await daemon.ask("DELETE", f"/v1/images/{PUBLIC}")).status, 200)
        self.assertFalse((self.images / PUBLIC).exists())

        (self.images / LOST).write_bytes(BODY)
        status, said = await self.take_over(self.url)
        self.assertEqual((status, said["imported"]), (1, [LOST]))
        self.assertEqual(said["already"], GOOD)
        self.assertEqual((await daemon.ask("GET", f"/v1/images/{LOST}")).body, BODY)
        daemon.assert_quiet()

    async def assert_served(self, daemon):
        answer = await daemon.ask("GET", f"/v1/images/{PUBLIC}")
        self.assertEqual((answer.status, answer.body), (200, BODY))
        for name, value in (
            ("x-image-meta-checksum", MD5),
            ("x-image-meta-name", "one"),
            ("x-image-meta-is_public", "True"),
            ("x-image-meta-owner", "tenant"),
            ("x-image-meta-min_ram", "3"),
            ("x-image-meta-size", str(len(BODY))),
            ("x-image-meta-property-os_distro", "debian"),
            ("x-image-meta-created_at", "2016-05-04T03:02:01.000000"),
            ("etag", MD5),
        ):
            self.assertEqual(answer.headers[name].strip('"'), value, name)
        self.assertNotIn("x-image-meta-location", answer.headers)
        members = await daemon.ask("GET", f"/v1/images/{SHARED}/members")
        self.assertEqual(members.json["members"], [{"member_id": "friend", "can_share": True}])

    async def assert_gone(self, daemon):
        """R18: the id of a deleted image stays taken; whose bytes were left go."""
        for image_id in (DELETED, GONE):
            headers = {**FORMATS, "Content-Type": "", "x-image-meta-id": image_id}
            self.assertEqual((await daemon.ask("POST", "/v1/images", headers)).status, 409)
        await daemon.becomes(GOING, "deleted")
        self.assertFalse((self.images / GOING).exists())

    async def test_another_image(self):
        """An id that is taken by another image is told, and nothing happens to that one."""
        daemon = await self.launch()
        headers = {**FORMATS, "x-image-meta-id": PUBLIC}
        self.assertEqual((await daemon.ask("POST", "/v1/images", headers, b"mine")).status, 201)
        _, said = await self.take_over(self.url)
        failed = {each["id"]: each["error"] for each in said["failed"]}
        self.assertIn("another image with this id", failed[PUBLIC])
        self.assertEqual((await daemon.ask("GET", f"/v1/images/{PUBLIC}")).body, b"mine")

    async def test_another_size(self):
        """A file that has not as many bytes is not taken for the image, unless nobody looks."""
        (self.images / PUBLIC).write_bytes(BODY + b"x")
        (self.images / SHARED).write_bytes(BODY[:-1])
        _, said = await self.take_over(self.url, "--dry-run")
        self.assertEqual(said["new"], [DELETED, GOING, GONE])
        _, said = await self.take_over(self.url, "--dry-run", "--no-check")
        self.assertEqual(said["new"], [PUBLIC, SHARED, LOST, DELETED, GOING, GONE])


class PostgresTests(ImportCase):
    """From PostgreSQL, of the schema of today."""

    async def test_everything(self):
        """It is read as well."""
        there = parse_dsn(await fresh_database(self, empty=True))
        where = urlencode({name: there[name] for name in ("host", "port", "user")})
        url = f"postgresql:///{there['dbname']}?{where}"
        self.fill(Glance.make(url.replace("postgresql", "postgresql+psycopg2"), "today"))
        _, said = await self.take_over(url)
        self.assertEqual(said["imported"], GOOD)
        daemon = await self.launch()
        answer = await daemon.ask("GET", f"/v1/images/{SHARED}")
        self.assertEqual((answer.body, answer.headers["x-image-meta-checksum"]), (BODY, MD5))
