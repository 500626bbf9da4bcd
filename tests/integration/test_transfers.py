"""Large images over TCP: whole, cut short, many at once, and across crashes."""

import hashlib
import os
import signal
from time import monotonic

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import Answer, eventually, folder, marked_file, start

MIB = 1 << 20


async def md5(path):
    """The MD5 of a file."""
    with path.open("rb") as file:
        return (await deferToThread(hashlib.file_digest, file, "md5")).hexdigest()


async def short_lease(test, **details):
    """A daemon whose uploads are given up soon after it died."""
    config = folder(test) / "glance.toml"
    config.write_text("transfer_lease = 2\n")
    return await start(test, "--config", config, **details)


class WholeTests(TestCase):
    """Images go in and come out as they are."""

    timeout = 180

    async def test_large_image(self):
        """256 MiB go in with and without a length announced, and come out whole or in parts."""
        daemon = await start(self, "--registry", "memory:")
        place = folder(self)
        file, digest = marked_file(place / "image", 256 * MIB)
        announced = await daemon.uploaded(file)
        chunked = await daemon.reserve()
        await daemon.put(chunked, file, "-HTransfer-Encoding: chunked").succeeds()
        for image_id in announced, chunked:
            head = await daemon.ask("HEAD", f"/v1/images/{image_id}")
            self.assertEqual(head.headers["x-image-meta-status"], "active")
            self.assertEqual(head.headers["x-image-meta-checksum"], digest)
            self.assertEqual(head.headers["x-image-meta-size"], str(256 * MIB))
        copy = place / "copy"
        await daemon.get(announced, copy).succeeds()
        self.assertEqual(await md5(copy), digest)
        os.truncate(copy, 100 * MIB + 17)
        await daemon.get(announced, copy, "-C-").succeeds()
        self.assertEqual(await md5(copy), digest)
        middle = await daemon.ask(
            "GET", f"/v1/images/{chunked}", {"Range": f"bytes={200 * MIB}-{200 * MIB + 7}"}
        )
        self.assertEqual((middle.status, middle.body), (206, b"00000200"))

    async def test_post_with_data(self):
        """A chunked POST makes an image and fills it."""
        daemon = await start(self, "--registry", "memory:")
        file, digest = marked_file(folder(self) / "image", 16 * MIB)
        answer = await daemon.curl(
            "-XPOST",
            "-T",
            file,
            "-HTransfer-Encoding: chunked",
            "-HContent-Type: application/octet-stream",
            "-Hx-image-meta-disk_format: raw",
            "-Hx-image-meta-container_format: bare",
        ).succeeds()
        self.assertIn(f'"checksum": "{digest}"'.encode(), answer)


class ManyTests(TestCase):
    """Many transfers at once."""

    timeout = 240

    async def test_memory_is_bounded(self):
        """32 uploads, 32 downloads and slow readers take less than 64 MiB beyond an idle daemon."""
        daemon = await start(self)
        file, digest = marked_file(folder(self) / "image", 32 * MIB)
        idle = daemon.memory()
        images = [await daemon.reserve() for _ in range(32)]

        uploads = [daemon.put(image_id, file) for image_id in images]
        await gatherResults([upload.ended(180) for upload in uploads])
        self.assertEqual({upload.status for upload in uploads}, {0})
        after_uploads = daemon.memory() - idle
        for image_id in images:
            head = await daemon.ask("HEAD", f"/v1/images/{image_id}")
            self.assertEqual(head.headers["x-image-meta-checksum"], digest)

        slow = [daemon.get(images[0], "/dev/null", "--limit-rate", "8M") for _ in range(4)]
        downloads = [*slow, *(daemon.get(image_id, "/dev/null") for image_id in images)]
        await gatherResults([download.ended(180) for download in downloads])
        self.assertEqual({download.status for download in downloads}, {0})
        after_downloads = daemon.memory() - idle
        print(
            f"VmHWM idle {idle / MIB:.0f} MiB, with uploads +{after_uploads / MIB:.0f} MiB, "
            f"with downloads too +{after_downloads / MIB:.0f} MiB"
        )
        self.assertLess(after_uploads, 64 * MIB)
        self.assertLess(after_downloads, 64 * MIB)
        daemon.assert_quiet()


class LeavingTests(TestCase):
    """Clients that leave in the middle."""

    timeout = 120

    async def test_uploader_leaves(self):
        """The image is killed soon, nothing of it is kept, and the daemon goes on."""
        daemon = await start(self)
        image_id, connection = await daemon.begun_upload()
        self.assertEqual(len(daemon.files()), 1)
        connection.close()
        await daemon.becomes(image_id, "killed", patience=10)
        await eventually(lambda: daemon.files() == [], patience=10)
        await daemon.uploaded(marked_file(folder(self) / "image", MIB)[0])
        daemon.assert_quiet()

    async def test_uploader_is_killed(self):
        """So it is when curl is killed."""
        daemon = await start(self)
        image_id = await daemon.reserve()
        file, _ = marked_file(folder(self) / "image", 64 * MIB)
        upload = daemon.put(image_id, file, "--limit-rate", "16M")
        await eventually(lambda: daemon.files() != [])
        upload.signal("KILL")
        await daemon.becomes(image_id, "killed", patience=10)
        await eventually(lambda: daemon.files() == [], patience=10)

    async def test_downloader_is_killed(self):
        """The daemon takes no notice: no traceback, and the next download is whole."""
        daemon = await start(self, "--registry", "memory:")
        place = folder(self)
        file, digest = marked_file(place / "image", 64 * MIB)
        image_id = await daemon.uploaded(file)
        copy = place / "copy"
        download = daemon.get(image_id, copy, "--limit-rate", "4M")
        await eventually(lambda: copy.exists() and copy.stat().st_size > MIB)
        download.signal("KILL")
        await download.ended()
        await daemon.get(image_id, copy).succeeds()
        self.assertEqual(await md5(copy), digest)
        daemon.assert_quiet()


class CrashTests(TestCase):
    """kill -9."""

    timeout = 180

    async def test_daemon_is_killed(self):
        """Its PostgreSQL ends; the next daemon finds the registry whole and clears up."""
        daemon = await short_lease(self)
        file, digest = marked_file(folder(self) / "image", 4 * MIB)
        kept = await daemon.uploaded(file)
        torn, _ = await daemon.begun_upload()
        self.assertEqual(len(daemon.files()), 2)
        daemon.signal("KILL")
        await daemon.ended()
        await eventually(lambda: daemon.postgres() is None, patience=20)

        again = await short_lease(self, data=daemon.data)
        await again.becomes(torn, "killed", patience=15)
        await eventually(lambda: len(again.files()) == 1, patience=15)
        head = await again.ask("HEAD", f"/v1/images/{kept}")
        self.assertEqual(head.headers["x-image-meta-checksum"], digest)
        answer = await again.ask("GET", f"/v1/images/{kept}")
        self.assertEqual(hashlib.md5(answer.body).hexdigest(), digest)

    async def test_next_daemon_starts_at_once(self):
        """A daemon that comes while the dead one's PostgreSQL is still ending waits for it."""
        daemon = await start(self)
        image_id = await daemon.reserve()
        daemon.signal("KILL")
        await daemon.ended()
        again = await start(self, data=daemon.data)
        self.assertEqual(await again.status_of(image_id), "queued")

    async def test_postgres_is_killed(self):
        """Requests get 503 at worst, and never hang; soon everything works again."""
        daemon = await start(self)
        image_id = await daemon.reserve()
        os.kill(daemon.postgres(), signal.SIGKILL)
        answers: list[Answer] = []
        began = monotonic()
        while not (answers and answers[-1].status == 200):
            asked = monotonic()
            answers.append(await daemon.ask("HEAD", f"/v1/images/{image_id}"))
            self.assertIn(answers[-1].status, (200, 503))
            self.assertLess(monotonic() - asked, 15)
            self.assertLess(monotonic() - began, 60)
        await daemon.uploaded(marked_file(folder(self) / "image", MIB)[0])
        daemon.assert_quiet()
