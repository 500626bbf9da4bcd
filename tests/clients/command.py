"""Every command of ``glance --os-image-api-version 1``."""

import os
import subprocess
import sysconfig
from pathlib import Path

from tests.clients.case import MIB, REMOTE, ClientCase, md5
from tests.integration.daemon import found

GLANCE = str(Path(sysconfig.get_path("scripts"), "glance"))

RAW = ("--disk-format", "raw", "--container-format", "bare")

DATA = os.urandom(MIB + 7)


class CommandCase(ClientCase):
    """Gives tests the command."""

    def glance(self, *arguments, stdin=None, status=0, options=None):
        """
        What the command says, on both outputs; blocks.

        Without ``stdin`` it has a terminal: it would take anything else for the data of an image.
        """
        if options is None:
            options = ["--os-image-url", self.daemon.url, "--os-auth-token", "any"]
        command = [GLANCE, "--os-image-api-version", "1", *options, *map(str, arguments)]
        terminal = os.openpty()
        try:
            result = subprocess.run(
                command,
                **({"stdin": terminal[1]} if stdin is None else {"input": stdin}),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=60,
                env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"},
            )
        finally:
            for end in terminal:
                os.close(end)
        said = result.stdout.decode("utf-8", "surrogateescape")
        self.assertEqual(result.returncode, status, said)
        return said

    def create(self, *arguments, **details):
        """The id of a new image, and what the command says; blocks."""
        said = self.glance("image-create", *RAW, *arguments, **details)
        return found(r"\| id +\| (\S+)", said), said


class CreateTests(CommandCase):
    """``image-create``."""

    def test_every_option(self):
        """All that the command can say about an image arrives."""

        def work():
            path = self.file("image", DATA)
            image_id = "0b6b0e0e-7d6e-4f0c-8e3c-0123456789ab"
            _, said = self.create(
                "--id", image_id, "--name", "Zürich – 画像", "--store", "file", "--owner", "acme",
                "--size", len(DATA), "--min-disk", 3, "--min-ram", 64, "--file", path,
                "--checksum", md5(DATA), "--is-public", "True", "--is-protected", "True",
                "--property", "os=débian", "--property", "two=a=b", "--progress",
                "--human-readable",
            )  # fmt: skip
            for name, value in (
                ("id", image_id),
                ("name", "Zürich – 画像"),
                ("owner", "acme"),
                ("min_disk", "3"),
                ("min_ram", "64"),
                ("checksum", md5(DATA)),
                ("status", "active"),
                ("is_public", "True"),
                ("protected", "True"),
                ("disk_format", "raw"),
                ("size", "1MB"),
                ("Property 'os'", "débian"),
                ("Property 'two'", "a=b"),
            ):
                self.assertRegex(said, rf"\| {name} +\| {value} +\|")

        return self.in_thread(work)

    async def test_where_data_come_from(self):
        """A pipe, a source to copy, and a location that stays where it is."""

        def work():
            piped, said = self.create(stdin=DATA)
            self.assertIn(md5(DATA), said)
            self.create("--progress", stdin=b"tiny")
            self.assertEqual(self.download(piped), DATA)
            self.create("--location", f"{self.source}/image", "--size", len(REMOTE))
            copied, said = self.create("--copy-from", f"{self.source}/image")
            self.assertRegex(said, r"\| status +\| queued")
            return copied

        await self.daemon.becomes(await self.in_thread(work), "active")

    def download(self, image_id):
        """The bytes of an image, through a file; blocks."""
        path = self.place / "downloaded"
        self.glance("image-download", image_id, "--file", path, "--progress")
        return path.read_bytes()

    async def test_update_every_option(self):
        """``image-update`` changes all of it, brings data, copies and links."""

        def work():
            image_id, _ = self.create("--name", "old", "--property", "a=1")
            said = self.glance(
                "image-update", image_id, "--name", "new", "--disk-format", "qcow2",
                "--container-format", "ovf", "--owner", "acme", "--min-disk", 1, "--min-ram", 2,
                "--is-public", "True", "--is-protected", "False", "--property", "b=2",
                "--size", len(DATA), "--checksum", md5(DATA), "--file", self.file("image", DATA),
                "--progress", "--human-readable",
            )  # fmt: skip
            self.assertRegex(said, r"\| name +\| new")
            self.assertRegex(said, r"\| status +\| active")
            self.assertRegex(said, r"\| Property 'a' +\| 1")
            self.assertRegex(said, r"\| Property 'b' +\| 2")
            said = self.glance("image-update", image_id, "--property", "c=3", "--purge-props")
            self.assertNotIn("Property 'a'", said)
            refused = self.glance("image-update", image_id, "--name", "x", stdin=b"more", status=1)
            self.assertIn("Unable to upload image data to an image which is active", refused)
            linked, _ = self.create()
            said = self.glance("image-update", linked, "--location", f"{self.source}/image")
            self.assertRegex(said, r"\| status +\| active")
            copied, _ = self.create()
            self.glance("image-update", copied, "--copy-from", f"{self.source}/image")
            return copied

        await self.daemon.becomes(await self.in_thread(work), "active")


class ListTests(CommandCase):
    """``image-list``, ``image-show`` and ``image-download``."""

    def test_list(self):
        """Every option narrows or orders the list."""

        def work():
            one, _ = self.create("--name", "one", "--is-public", "True", "--property", "os=a",
                                 stdin=DATA)  # fmt: skip
            two, _ = self.create("--name", "two", "--owner", "acme", "--size", 5)
            three, _ = self.create("--name", "three", "--is-public", "True")

            def listed(*options):
                said = self.glance("image-list", *options)
                return [line.split()[1] for line in said.splitlines() if "bare" in line]

            everything = [one, three, two]
            self.assertEqual(listed("--all-tenants"), everything)
            self.assertEqual(listed("--all-tenants", "--page-size", 1), everything)
            self.assertEqual(listed("--all-tenants", "--sort-dir", "desc"), everything[::-1])
            self.assertEqual(
                listed("--all-tenants", "--sort-key", "created_at", "--page-size", 2),
                [one, two, three],
            )
            for options, expected in (
                (("--name", "two", "--all-tenants"), [two]),
                (("--status", "active"), [one]),
                (("--disk-format", "raw", "--container-format", "bare"), [one, three]),
                (("--size-min", 6), [one]),
                (("--size-max", 6, "--all-tenants"), [three, two]),
                (("--property-filter", "os=a"), [one]),
                (("--is-public", "False"), [two]),
                (("--owner", "acme"), [two]),
                (("--changes-since", "2999-01-01"), []),
                (("--changes-since", "2001-01-01T00:00:00Z"), [one, three]),
            ):
                self.assertEqual(listed(*options), expected, options)
            self.assertIn("1MB", self.glance("image-list", "--human-readable"))

        return self.in_thread(work)

    def test_show_and_download(self):
        """By id and by name, into a file and to standard output."""

        def work():
            image_id, _ = self.create("--name", "by name", "--is-public", "True", stdin=b"text")
            for name in (image_id, "by name"):
                said = self.glance("image-show", name, "--human-readable")
                self.assertRegex(said, rf"\| id +\| {image_id}")
            narrow = self.glance("image-show", image_id, "--max-column-width", 10)
            self.assertIn("| container_ | bare       |", narrow)
            self.assertEqual(self.glance("image-download", "by name"), "text")
            path = self.place / "copy"
            self.glance("image-download", image_id, "--file", path, "--progress")
            self.assertEqual(path.read_bytes(), b"text")
            self.corrupt(image_id)
            said = self.glance("image-download", image_id, "--file", path, status=1)
            self.assertIn("Corrupt image download", said)

        return self.in_thread(work)


class DeleteTests(CommandCase):
    """``image-delete``, and the members."""

    def test_delete(self):
        """Several at once; what cannot be deleted is told, and the others go."""

        def work():
            one, _ = self.create("--name", "one")
            two, _ = self.create("--is-protected", "True")
            three, _ = self.create()
            said = self.glance("--verbose", "image-delete", one, two, three)
            self.assertEqual(said.count("[Done]"), 2)
            self.assertIn("is protected", said)
            said = self.glance("image-delete", one, status=1)
            self.assertIn("No image with an ID of", said)
            self.glance("image-update", two, "--is-protected", "False")
            self.glance("image-delete", two)

        return self.in_thread(work)

    def test_members(self):
        """``member-create``, ``member-list`` and ``member-delete``."""

        def work():
            image_id, _ = self.create("--owner", "acme")
            self.glance("member-create", image_id, "one")
            self.glance("member-create", image_id, "two", "--can-share")
            said = self.glance("member-list", "--image-id", image_id)
            self.assertRegex(said, r"\| one +\| +\|")
            self.assertRegex(said, r"\| two +\| True +\|")
            self.assertIn(image_id, self.glance("member-list", "--tenant-id", "two"))
            self.glance("member-delete", image_id, "two")
            self.assertNotIn(image_id, self.glance("member-list", "--tenant-id", "two"))
            self.glance("member-delete", image_id, "two", status=1)

        return self.in_thread(work)


class ErrorTests(CommandCase):
    """What users of the command see."""

    def test_errors(self):
        """One sentence and status 1."""

        def work():
            image_id, _ = self.create(stdin=b"data")
            for words, arguments, stdin in (
                ("No image with a name or ID of 'nobody'", ("image-show", "nobody"), None),
                ("409", ("image-create", "--id", image_id, *RAW), None),
                ("Invalid disk format", ("image-create", "--disk-format", "floppy"), None),
                ("larger than", ("image-create", *RAW), bytes(4 * MIB + 1)),
                ("not supported", ("image-create", *RAW, "--copy-from", "file:///etc/hosts"), None),
                ("did not match", ("image-create", *RAW, "--checksum", "0" * 32), b"data"),
            ):
                said = self.glance(*arguments, stdin=stdin, status=1)
                self.assertIn(words, said)
                self.assertNotIn("Traceback", said)

        return self.in_thread(work)

    def test_ways_to_name_the_service(self):
        """The version may stand in the URL; old names of options still work."""

        def work():
            image_id, _ = self.create("--is-public", "True")
            for options in (
                ["--os-image-url", f"{self.daemon.url}/v1", "--os-auth-token", "any"],
                ["--os_image_url", f"{self.daemon.url}/", "--os_auth_token", "any"],
                ["--debug", "--os-image-url", self.daemon.url, "--os-auth-token", "any"],
            ):
                self.assertIn(image_id, self.glance("image-list", options=options))
            self.assertIn("image-create", self.glance("help"))
            self.assertIn("--copy-from", self.glance("help", "image-create"))
            self.assertIn("image-list", self.glance("bash-completion"))

        return self.in_thread(work)
