"""python-glanceclient, which still speaks v1: its library and its command."""

import hashlib
import subprocess
import sysconfig
from io import BytesIO
from pathlib import Path

from glanceclient import exc
from glanceclient.v1.client import Client
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import folder, found, marked_file, start

GLANCE = str(Path(sysconfig.get_path("scripts"), "glance"))
FORMATS = {"disk_format": "raw", "container_format": "bare"}


def as_sent(value):
    """A header's text, which Python's http.client takes for Latin-1 and the client leaves so."""
    return value.encode("latin-1").decode("utf-8")


class LibraryTests(TestCase):
    """``glanceclient.v1``, used as programs do."""

    timeout = 120

    async def with_client(self, work):
        """What ``work(images)`` does in a thread with the client's images."""
        daemon = await start(self, "--registry", "memory:")
        client = Client(daemon.url, token="any")
        self.addCleanup(client.http_client.session.close)
        await deferToThread(work, client.images)
        daemon.assert_quiet()

    def test_life_of_an_image(self):
        """Create from a file, look, change, download, delete."""
        path, digest = marked_file(folder(self) / "image", 3 << 20)

        def work(images):
            with path.open("rb") as file:
                made = images.create(
                    name="Zürich – 画像",
                    data=file,
                    is_public=True,
                    min_ram=64,
                    properties={"os_distro": "Straße"},
                    **FORMATS,
                )
            self.assertEqual((made.status, made.checksum, made.size), ("active", digest, 3 << 20))
            self.assertEqual(made.name, "Zürich – 画像")
            image = images.get(made.id)
            self.assertEqual(as_sent(image.name), "Zürich – 画像")
            self.assertEqual(as_sent(image.properties["os_distro"]), "Straße")
            self.assertEqual((image.size, image.min_ram, image.min_disk), (3 << 20, 64, 0))
            self.assertIs(image.is_public, True)
            self.assertIs(image.protected, False)

            images.update(image, name="new", properties={"a": "1"})
            image = images.get(made.id)
            self.assertEqual(image.name, "new")
            self.assertEqual(set(image.properties), {"os_distro", "a"})
            images.update(image, properties={"b": "2"}, purge_props=True)
            self.assertEqual(images.get(made.id).properties, {"b": "2"})

            data = images.data(image)
            self.assertEqual(len(data), 3 << 20)
            received = hashlib.md5()
            for chunk in data:
                received.update(chunk)
            self.assertEqual(received.hexdigest(), digest)

            images.update(image, protected=True)
            self.assertRaises(exc.HTTPForbidden, images.delete, image)
            images.update(image, protected=False)
            images.delete(image)
            self.assertEqual(images.get(made.id).status, "deleted")
            self.assertRaises(exc.HTTPNotFound, images.data, image)

        return self.with_client(work)

    def test_snapshot(self):
        """Reserve, and send the data later; the properties survive."""
        path, digest = marked_file(folder(self) / "image", 1 << 20)

        def work(images):
            reserved = images.create(name="snapshot", properties={"instance": "i-1"}, **FORMATS)
            self.assertEqual(reserved.status, "queued")
            with path.open("rb") as file:
                images.update(reserved, data=file, purge_props=False)
            image = images.get(reserved)
            self.assertEqual((image.status, image.checksum), ("active", digest))
            self.assertEqual(image.properties, {"instance": "i-1"})

        return self.with_client(work)

    def test_paging(self):
        """A listing goes through all pages, and stops at a limit."""

        def work(images):
            ids = [images.create(is_public=True, **FORMATS).id for _ in range(45)]
            listed = [image.id for image in images.list()]
            self.assertEqual(len(listed), 45)
            self.assertEqual(set(listed), set(ids))
            self.assertEqual(len(list(images.list(page_size=9))), 45)
            self.assertEqual([image.id for image in images.list(limit=21)], listed[:21])
            private = images.create(**FORMATS).id
            self.assertIn(private, [image.id for image in images.list(is_public=None)])

        return self.with_client(work)

    def test_torn_data(self):
        """Data that is not what was promised is refused, with a reason one can read."""

        def work(images):
            promised = {"checksum": "0" * 32, **FORMATS}
            error = self.assertRaises(
                exc.HTTPBadRequest, images.create, data=BytesIO(b"abc"), **promised
            )
            self.assertIn("did not match", str(error))

        return self.with_client(work)


class CommandTests(TestCase):
    """``glance --os-image-api-version 1``."""

    timeout = 180

    async def test_life_of_an_image(self):
        """Every command on images that this version has."""
        daemon = await start(self, "--registry", "memory:")
        place = folder(self)
        path, digest = marked_file(place / "image", 2 << 20)

        def work():
            def glance(*arguments):
                options = ["--os-image-api-version", "1", "--os-image-url", daemon.url]
                options += ["--os-auth-token", "any"]
                result = subprocess.run(
                    # It would take any standard input for the data of an image.
                    ["/bin/sh", "-c", 'exec "$0" "$@" <&-', GLANCE, *options, *arguments],
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                self.assertEqual(result.returncode, 0, result.stderr)
                return result.stdout

            formats = ["--disk-format", "raw", "--container-format", "bare"]
            made = glance(
                "image-create", "--name", "tour", "--file", str(path), "--is-public", "True",
                "--property", "os=débian", *formats,
            )  # fmt: skip
            self.assertIn(digest, made)
            image_id = found(r"\| id +\| (\S+)", made)
            shown = found(r"Property 'os' +\| (\S+)", glance("image-show", image_id))
            self.assertEqual(as_sent(shown), "débian")
            self.assertRegex(glance("image-list"), rf"{image_id}.*tour.*active")
            reserved = glance("image-create", "--name", "later", "--size", "2097152", *formats)
            later = found(r"\| id +\| (\S+)", reserved)
            filled = glance("image-update", later, "--file", str(path), "--name", "filled")
            self.assertRegex(filled, r"status +\| active")
            glance("image-download", image_id, "--file", str(place / "copy"))
            self.assertEqual((place / "copy").read_bytes(), path.read_bytes())
            glance("image-delete", image_id, later)
            self.assertNotIn(image_id, glance("image-list"))

        await deferToThread(work)
        daemon.assert_quiet()
