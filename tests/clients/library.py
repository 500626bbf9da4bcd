"""Every operation of python-glanceclient's library for v1."""

import os
import time
from io import BytesIO

from glanceclient import exc
from glanceclient.v1.client import Client
from glanceclient.v1.images import SORT_KEY_VALUES

from tests.clients.case import FORMATS, MIB, REMOTE, ClientCase, md5

DATA = os.urandom(2 * MIB + 7)

#: Not Latin-1, so that nothing passes by accident.
NAME = "Zürich – 画像"


def as_sent(value):
    """A header's text, which Python's http.client takes for Latin-1 and the client leaves so."""
    return value.encode("latin-1").decode("utf-8")


class LibraryCase(ClientCase):
    """Gives tests the client."""

    def with_client(self, work):
        """Fires when ``work(client)`` has ended in a thread."""

        def in_thread():
            client = Client(self.daemon.url, token="any")
            try:
                work(client)
            finally:
                client.http_client.session.close()

        return self.in_thread(in_thread)

    def wait_until(self, images, image_id, status):
        """The image as soon as it has this status; blocks."""
        deadline = time.monotonic() + 20
        while True:
            image = images.get(image_id)
            if image.status == status:
                return image
            self.assertLess(time.monotonic(), deadline, image.status)
            time.sleep(0.05)


class CreateTests(LibraryCase):
    """``images.create``."""

    def test_every_field(self):
        """Whatever it can send is taken, and comes back."""

        def work(client):
            fields = {
                "id": "0b6b0e0e-7d6e-4f0c-8e3c-0123456789ab",
                "name": NAME,
                "store": "file",
                "owner": "acme",
                "size": len(DATA),
                "checksum": md5(DATA),
                "min_disk": 3,
                "min_ram": 64,
                "is_public": True,
                "protected": False,
                "deleted": False,
                "properties": {"os_distro": "Straße", "empty": "", "Mixed-Case": "x"},
                **FORMATS,
            }
            requests: list[str] = []
            made = client.images.create(data=BytesIO(DATA), return_req_id=requests, **fields)
            self.assertTrue(requests[0].startswith("req-"))
            self.assertEqual((made.id, made.name), (fields["id"], NAME))
            properties = made.properties
            image = client.images.get(made)
            for name in ("id", "owner", "size", "checksum", "min_disk", "min_ram", "disk_format"):
                self.assertEqual(getattr(image, name), fields[name], name)
            self.assertEqual(as_sent(image.name), NAME)
            self.assertEqual(
                (image.is_public, image.protected, image.deleted), (True, False, False)
            )
            self.assertEqual(as_sent(image.properties["os_distro"]), "Straße")
            # An empty value is none, and none has no header.
            self.assertIn("empty", properties)
            self.assertNotIn("empty", image.properties)
            self.assertEqual(image.properties["mixed_case"], "x")

        return self.with_client(work)

    def test_file_pipe_and_nothing(self):
        """Data come from a file, from a pipe whose length nobody knows, or not at all."""

        def work(client):
            with self.file("image", DATA).open("rb") as file:
                self.assertEqual(client.images.create(data=file, **FORMATS).checksum, md5(DATA))
            reading, writing = os.pipe()
            with open(reading, "rb") as pipe:
                os.write(writing, DATA[:5000])
                os.close(writing)
                made = client.images.create(data=pipe, **FORMATS)
            self.assertEqual((made.size, made.checksum), (5000, md5(DATA[:5000])))
            empty = client.images.create(data=BytesIO(b""), **FORMATS)
            self.assertEqual((empty.status, empty.size), ("active", 0))
            self.assertEqual(list(client.images.data(empty)), [])
            reserved = client.images.create(name="later")
            self.assertEqual((reserved.status, reserved.size), ("queued", 0))

        return self.with_client(work)

    def test_copy(self):
        """``copy_from`` makes the daemon fetch the bytes; the image is active a little later."""

        def work(client):
            made = client.images.create(copy_from=f"{self.source}/image", **FORMATS)
            self.assertEqual(made.status, "queued")
            image = self.wait_until(client.images, made.id, "active")
            self.assertEqual((image.size, image.checksum), (len(REMOTE), md5(REMOTE)))
            self.assertEqual(b"".join(client.images.data(image)), REMOTE)
            later = client.images.create(**FORMATS)
            client.images.update(later, copy_from=f"{self.source}/image")
            self.wait_until(client.images, later.id, "active")
            self.assertRaises(
                exc.HTTPNotFound,
                client.images.create,
                copy_from=f"{self.source}/missing",
                **FORMATS,
            )

        return self.with_client(work)

    def test_location(self):
        """``location`` leaves the bytes where they are."""

        def work(client):
            made = client.images.create(location=f"{self.source}/image", **FORMATS)
            self.assertEqual((made.status, made.size), ("active", len(REMOTE)))
            self.assertNotIn("location", made.to_dict())
            self.assertEqual(b"".join(client.images.data(made)), REMOTE)
            later = client.images.create(**FORMATS)
            updated = client.images.update(later, location=f"{self.source}/image")
            self.assertEqual(updated.status, "active")
            client.images.delete(later)
            for location in ("file:///etc/passwd", "ftp://localhost/image", "http://[::1]:1/"):
                self.assertRaises(
                    exc.HTTPBadRequest, client.images.create, location=location, **FORMATS
                )

        return self.with_client(work)


class UpdateTests(LibraryCase):
    """``images.update`` and ``Image.update``."""

    def test_every_field(self):
        """Whatever it can change is changed."""

        def work(client):
            image = client.images.create(name="old", **FORMATS)
            fields = {
                "name": NAME,
                "disk_format": "qcow2",
                "container_format": "ovf",
                "min_disk": 1,
                "min_ram": 2,
                "owner": "acme",
                "is_public": True,
                "size": len(DATA),
                "checksum": md5(DATA),
                "deleted": True,
            }
            updated = client.images.update(image, **fields)
            for name in set(fields) - {"deleted"}:
                self.assertEqual(getattr(updated, name), fields[name], name)
            self.assertEqual((updated.deleted, updated.status), (False, "queued"))
            filled = client.images.update(image, data=BytesIO(DATA))
            self.assertEqual((filled.status, filled.checksum), ("active", md5(DATA)))
            client.images.get(image).update(name="through the image")
            self.assertEqual(client.images.get(image).name, "through the image")

        return self.with_client(work)

    def test_properties(self):
        """Properties that are not named stay, unless they are to be purged."""

        def work(client):
            image = client.images.create(properties={"a": "1", "b": "2"}, **FORMATS)
            client.images.update(image, properties={"b": "画"})
            properties = client.images.get(image).properties
            self.assertEqual((properties["a"], as_sent(properties["b"])), ("1", "画"))
            client.images.update(image, properties={"c": "3"}, purge_props=True)
            self.assertEqual(client.images.get(image).properties, {"c": "3"})
            client.images.update(image, name="new", purge_props=True)
            self.assertEqual(client.images.get(image).properties, {})

        return self.with_client(work)

    def test_protected(self):
        """A protected image is not deleted, an unprotected one is."""

        def work(client):
            image = client.images.create(protected=True, **FORMATS)
            error = self.assertRaises(exc.HTTPForbidden, image.delete)
            self.assertIn("protected", str(error))
            client.images.update(image, protected=False)
            client.images.get(image).delete()
            self.assertEqual(client.images.get(image).status, "deleted")

        return self.with_client(work)


class DataTests(LibraryCase):
    """``images.data`` and ``Image.data``."""

    def test_data(self):
        """The bytes come back, and their length is known before."""

        def work(client):
            image = client.images.create(data=BytesIO(DATA), **FORMATS)
            for read in (client.images.data, lambda image: image.data()):
                data = read(image)
                self.assertEqual(len(data), len(DATA))
                self.assertEqual(b"".join(data), DATA)

        return self.with_client(work)

    def test_corrupt_data(self):
        """The client compares the checksum, unless it is told not to."""

        def work(client):
            image = client.images.create(data=BytesIO(DATA), **FORMATS)
            self.corrupt(image.id)
            error = self.assertRaises(OSError, b"".join, client.images.data(image))
            self.assertIn("Corrupt image", str(error))
            data = b"".join(client.images.data(image, do_checksum=False))
            self.assertEqual(data, bytes(len(DATA)))

        return self.with_client(work)


class ListTests(LibraryCase):
    """``images.list``, ``find`` and ``findall``."""

    def test_pages(self):
        """All pages, whatever their size; limits and markers are kept."""

        def work(client):
            ids = [client.images.create(is_public=True, **FORMATS).id for _ in range(23)]
            newest_first = list(reversed(ids))
            for size in (1, 5, 23, 100):
                self.assertEqual(ids_of(client.images.list(page_size=size)), newest_first)
            self.assertEqual(ids_of(client.images.list()), newest_first)
            self.assertEqual(ids_of(client.images.list(limit=7, page_size=3)), newest_first[:7])
            rest = client.images.list(marker=newest_first[9], page_size=4)
            self.assertEqual(ids_of(rest), newest_first[10:])
            requests: list[str] = []
            list(client.images.list(page_size=10, return_req_id=requests))
            self.assertEqual(len(set(requests)), 3)

        return self.with_client(work)

    def test_sorting(self):
        """Every key in both directions, across pages."""

        def work(client):
            for name, disk_format, size in (("b", "raw", 5), ("a", "iso", 9), ("c", "vdi", 1)):
                client.images.create(
                    name=name,
                    disk_format=disk_format,
                    container_format="bare",
                    size=size,
                    is_public=True,
                )
            client.images.create(name="d", data=BytesIO(b"123"), is_public=True, **FORMATS)
            for key in SORT_KEY_VALUES:
                whole = list(client.images.list(sort_key=key, sort_dir="asc"))
                self.assertEqual(len(whole), 4)
                values = [getattr(image, key) for image in whole]
                self.assertEqual(values, sorted(values), key)
                falling = ids_of(client.images.list(sort_key=key, sort_dir="desc", page_size=1))
                self.assertEqual(falling, ids_of(reversed(whole)), key)
            self.assertRaises(ValueError, list, client.images.list(sort_key="owner"))

        return self.with_client(work)

    def test_filters(self):
        """Every filter that the daemon knows, alone and together."""

        def work(client):
            begun = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60))
            one = client.images.create(
                name=NAME,
                data=BytesIO(b"12345"),
                is_public=True,
                min_ram=7,
                min_disk=2,
                protected=True,
                properties={"os": "débian", "arch": "x86"},
                **FORMATS,
            ).id
            two = client.images.create(
                name="two", disk_format="iso", container_format="ovf", owner="acme"
            ).id
            gone = client.images.create(name="gone", is_public=True, **FORMATS)
            client.images.delete(gone)

            def found(**filters):
                return set(ids_of(client.images.list(filters={"is_public": None, **filters})))

            for filters, expected in (
                ({}, {one, two}),
                ({"name": NAME}, {one}),
                ({"name": "nobody"}, set()),
                ({"status": "queued"}, {two}),
                ({"disk_format": "iso"}, {two}),
                ({"container_format": "bare"}, {one}),
                ({"size_min": 5}, {one}),
                ({"size_max": 4}, {two}),
                ({"min_ram": 7}, {one}),
                ({"min_disk": 2}, {one}),
                ({"protected": True}, {one}),
                ({"is_public": True}, {one}),
                ({"is_public": False}, {two}),
                ({"properties": {"os": "débian"}}, {one}),
                ({"properties": {"os": "débian", "arch": "arm"}}, set()),
                ({"changes-since": begun}, {one, two, gone.id}),
                ({"changes-since": begun, "status": "deleted"}, {gone.id}),
                ({"status": "active", "size_min": 1, "size_max": 9}, {one}),
            ):
                self.assertEqual(found(**filters), expected, filters)
            self.assertEqual(ids_of(client.images.list(owner="acme")), [two])
            self.assertEqual(ids_of(client.images.list(owner="")), [one])
            self.assertEqual(ids_of(client.images.list(is_public=False)), [two])
            self.assertRaises(exc.HTTPBadRequest, found, size_min="many")

        return self.with_client(work)

    def test_find(self):
        """``find`` and ``findall`` look through the whole list by themselves."""

        def work(client):
            made = client.images.create(name="here", is_public=True, **FORMATS)
            self.assertEqual(client.images.find(name="here").id, made.id)
            self.assertEqual(ids_of(client.images.findall(disk_format="raw")), [made.id])
            self.assertEqual(client.images.findall(name="there"), [])

        return self.with_client(work)


class MemberTests(LibraryCase):
    """``image_members``."""

    def test_members(self):
        """Add, change, list from both sides, replace, remove."""

        def work(client):
            members = client.image_members
            image = client.images.create(name="shared", owner="acme", **FORMATS)
            members.create(image, "one")
            members.create(image, "two", can_share=True)
            listed = {m.member_id: m.can_share for m in members.list(image=image)}
            self.assertEqual(listed, {"one": False, "two": True})
            [shared] = members.list(member="two")
            self.assertEqual((shared.image_id, shared.can_share), (image.id, True))
            # There is no route for one member; the client takes any error for "none".
            self.assertEqual(members.list(image=image, member="one"), [])
            self.assertRaises(exc.HTTPException, members.get, image, "one")
            self.assertEqual(members.list(), [])
            self.assertEqual(members.findall(), [])
            members.replace(
                image, [{"member_id": "three", "can_share": True}, *members.list(image)]
            )
            self.assertEqual(len(members.list(image=image)), 3)
            members.replace(image, [{"member_id": "four"}])
            [four] = members.list(image=image)
            self.assertEqual((four.id, four.can_share), ("four", False))
            members.delete(image.id, "four")
            self.assertEqual(members.list(image=image), [])
            self.assertEqual(members.list(member="four"), [])
            self.assertRaises(exc.HTTPNotFound, members.delete, image.id, "four")

        return self.with_client(work)


class ErrorTests(LibraryCase):
    """What users of the library see when something is refused."""

    def test_errors(self):
        """Each status is its own exception, with the reason in its text."""

        def work(client):
            images = client.images
            image = images.create(data=BytesIO(b"12345"), **FORMATS)

            def fails(expected, words, deed, *arguments, **options):
                error = self.assertRaises(expected, deed, *arguments, **options)
                self.assertIn(words, str(error))

            unknown = "0b6b0e0e-7d6e-4f0c-8e3c-999999999999"
            # An answer to HEAD has no body, so there is no reason to show.
            fails(exc.HTTPNotFound, "HTTPNotFound", images.get, unknown)
            fails(exc.HTTPNotFound, "not found", images.data, unknown)
            fails(exc.HTTPNotFound, "not found", images.delete, unknown)
            fails(exc.HTTPConflict, "already exists", images.create, id=image.id, **FORMATS)
            fails(exc.HTTPConflict, "upload", images.update, image, data=BytesIO(b"other"))
            fails(exc.HTTPBadRequest, "Invalid disk format", images.create, disk_format="floppy")
            broken = {"checksum": "0" * 32, **FORMATS}
            fails(exc.HTTPBadRequest, "did not match", images.create, data=BytesIO(b"x"), **broken)
            many = {f"key{number}": "x" for number in range(9)}
            fails(exc.HTTPOverLimit, "properties", images.create, properties=many)
            for member in ("one", "two", "three"):
                client.image_members.create(image, member)
            fails(exc.HTTPOverLimit, "members", client.image_members.create, image, "four")
            # A size that is announced is refused as a mistake, and one that is not as too much.
            too_large = BytesIO(bytes(4 * MIB + 1))
            fails(exc.HTTPBadRequest, "larger", images.create, data=too_large, **FORMATS)
            images.delete(image)
            fails(exc.HTTPForbidden, "deleted", images.update, image, name="new")
            fails(exc.HTTPNotFound, "not", images.data, image)

        return self.with_client(work)

    def test_size_cap_while_data_come(self):
        """More than the cap from a pipe is 413, which the client sees while it still sends."""

        def work(client):
            class Pipe:
                def __init__(self):
                    self.left = 64

                def read(self, size):
                    self.left -= 1
                    return bytes(size) if self.left > 0 else b""

            self.assertRaises(exc.HTTPOverLimit, client.images.create, data=Pipe(), **FORMATS)

        return self.with_client(work)

    def test_quota(self):
        """An owner whose quota is used up gets 413."""

        def work(client):
            for _ in range(16):
                client.images.create(data=BytesIO(bytes(4 * MIB)), owner="acme", **FORMATS)
            error = self.assertRaises(
                exc.HTTPOverLimit,
                client.images.create,
                data=BytesIO(b"x"),
                owner="acme",
                **FORMATS,
            )
            self.assertIn("quota", str(error))
            other = client.images.create(data=BytesIO(b"x"), owner="other", **FORMATS)
            self.assertEqual(other.status, "active")

        return self.with_client(work)


class VersionTests(LibraryCase):
    """``versions``."""

    def test_versions(self):
        """The client lists the versions."""

        def work(client):
            versions = [each["id"] for each in client.versions.list()]
            self.assertIn("v1.0", versions)

        return self.with_client(work)


def ids_of(images):
    """The ids, in order."""
    return [image.id for image in images]
