"""External locations on POST and PUT, and images whose bytes lie there (contract §6.3, §4.5)."""

from __future__ import annotations

from glancetx.errors import BodyCutShort
from glancetx.image import Location
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import MemoryStore
from tests.elsewhere import FAILING, FORBIDDEN, HERE, NOWHERE, REFUSED, Elsewhere
from tests.test_shelf import TRICKS
from tests.web.api import FORMATS, Api
from tests.web.v1.case import AN_ID, HELLO, ApiCase


def at(location: str, **attributes: str) -> dict[str, str]:
    """The headers of an image that lies there."""
    named = {"location": location, "disk_format": "raw", "container_format": "bare", **attributes}
    return {f"x-image-meta-{name}": value for name, value in named.items()}


class LocationCase(ApiCase):
    """A daemon that can read from elsewhere."""

    def make_api(self) -> Api:
        self.elsewhere = Elsewhere()
        more = self.elsewhere.shelved, ShelvedStore("second", MemoryStore(None))
        return Api(more_stores=more)

    def external(self, **attributes: str) -> str:
        """The id of an image that lies elsewhere."""
        image_id: str = self.create(at(HERE, **attributes))["id"]
        self.elsewhere.asked.clear()
        return image_id


class CreateTests(LocationCase):
    """POST."""

    def test_location(self):
        """It is active at once, where it lies, with the size that it has (C-29)."""
        document = self.create(at(HERE))
        self.assertEqual((document["status"], document["size"]), ("active", 5))
        self.assertIsNone(document["checksum"])
        self.assert_kept(document["id"], "active", locations=(Location("http", HERE),))
        self.assertEqual(self.stored(), {})
        response = self.get(document["id"])
        self.assertEqual((response.status, response.body), (200, HELLO))
        self.assertIsNone(response.header("ETag"))
        self.assertIsNone(self.head(document["id"]).header("ETag"))

    def test_no_formats(self):
        """Without formats it stays queued, and another try may bring them (C-30)."""
        response = self.post({"x-image-meta-location": HERE, "x-image-meta-id": AN_ID})
        self.assert_status(response, 400, "Disk format is not specified")
        self.assert_kept(AN_ID, "queued", locations=())
        self.assertEqual(self.document(self.put(AN_ID, at(HERE)))["status"], "active")

    def test_refused(self):
        """What cannot be is refused before a record is made (C-31)."""
        for location, status, fragment in (
            (NOWHERE, 404, "could not find image at URI"),
            (FORBIDDEN, 400, "returned a 403 status code"),
            (REFUSED, 400, "The HTTP URL is invalid"),
            ("http://", 400, "Invalid location"),
            ("file:///x", 400, "External sources are not supported"),
            ("ftp://x", 400, "External sources are not supported"),
            ("", 400, "External source should not be empty"),
        ):
            response = self.post(at(location, id=AN_ID))
            self.assert_status(response, status, fragment)
            self.assertNotIn(b"secret", response.body)
            self.assert_no_record()

    def test_tricks(self):
        """However a scheme is spelt, only http and https are read for users (C-31, R10)."""
        for location in TRICKS:
            # Blanks around a header's value are not part of it.
            if location.strip() == location and not set(location) & set("\x00\n"):
                self.assert_status(self.post(at(location, id=AN_ID)), 400)
                self.assert_no_record()
        self.assertEqual(self.elsewhere.asked, [])

    def test_size(self):
        """A size that was said must be the source's (C-32)."""
        response = self.post(at(HERE, id=AN_ID, size="6"))
        self.assert_status(response, 409, "Provided image size must match the stored image size")
        self.assert_kept(AN_ID, "queued", locations=())
        self.assertEqual(self.create(at(HERE, size="5"))["status"], "active")

    def test_size_and_nothing_there(self):
        """With a size said, a record is made before the source is asked (C-32)."""
        for location, status in ((NOWHERE, 404), (FORBIDDEN, 400), (REFUSED, 400)):
            response = self.post(at(location, size="5"))
            self.assert_status(response, status)
        images = [record.image for record in self.api.registry._records.values()]
        self.assertEqual([image.status.value for image in images], ["queued"] * 3)

    def test_size_untold(self):
        """A source that tells none is believed to have what was said."""
        self.elsewhere.tells_size = False
        self.assertEqual(self.create(at(HERE, size="6"))["size"], 6)
        self.assertEqual(self.create(at(HERE))["size"], 0)

    def test_checksum(self):
        """A checksum is believed (C-34)."""
        document = self.create(at(HERE, checksum="abc"))
        self.assertEqual((document["status"], document["checksum"]), ("active", "abc"))
        self.assertEqual(self.get(document["id"]).header("ETag"), "abc")

    def test_size_zero(self):
        """A size of 0 says nothing, and makes no empty image."""
        self.assertEqual(self.create(at(HERE, size="0"))["size"], 5)

    def test_store(self):
        """A store is only checked for being known, for nothing is written."""
        self.assertEqual(self.create(at(HERE, store="second"))["status"], "active")
        self.assert_status(self.post(at(HERE, store="bad", id=AN_ID)), 400)
        self.assert_no_record()

    def test_not_shown(self):
        """The location is in no answer, and in no record that is printed (R3)."""
        image_id = self.external(name="n")
        answers = [
            self.head(image_id),
            self.get(image_id),
            self.put(image_id, {"x-image-meta-name": "m"}),
            self.request("GET", "/v1/images"),
            self.request("GET", "/v1/images/detail"),
        ]
        for response in answers:
            self.assertNotIn(b"example.org", response.body)
            self.assertNotIn("example.org", str(response.headers))
        self.assertNotIn("example.org", repr(self.record(image_id)))


class PutTests(LocationCase):
    """PUT."""

    def test_location(self):
        """A reserved image may turn out to lie elsewhere (U-25)."""
        image_id = self.queued(
            {**FORMATS, "x-image-meta-size": "9", "x-image-meta-property-a": "1"}
        )
        document = self.document(self.put(image_id, {"x-image-meta-location": HERE}))
        self.assertEqual((document["status"], document["size"]), ("active", 5))
        self.assertEqual(document["properties"], {})
        self.assertEqual(self.get(image_id).body, HELLO)

    def test_no_formats(self):
        """Without formats it stays queued, its metadata saved (C-30)."""
        image_id = self.queued()
        headers = {"x-image-meta-location": HERE, "x-image-meta-name": "n"}
        self.assert_status(self.put(image_id, headers), 400, "Disk format is not specified")
        self.assert_kept(image_id, "queued", name="n", locations=())

    def test_size(self):
        """A size that was said must be the source's (C-32)."""
        image_id = self.queued()
        response = self.put(image_id, at(HERE, size="6"))
        self.assert_status(response, 409, "must match the stored")
        self.assert_kept(image_id, "queued", size=6, locations=())

    def test_size_untold(self):
        """A source that tells none is believed to have what was reserved."""
        self.elsewhere.tells_size = False
        image_id = self.queued({**FORMATS, "x-image-meta-size": "5"})
        document = self.document(self.put(image_id, {"x-image-meta-location": HERE}))
        self.assertEqual((document["status"], document["size"]), ("active", 5))

    def test_data_besides(self):
        """Data and a location are one source too many (C-33)."""
        image_id = self.queued()
        response = self.put(image_id, {**at(HERE), **FORMATS}, HELLO)
        self.assert_status(response, 400, "multiple image sources")
        self.assert_kept(image_id, "queued", disk_format=None)


class GetTests(LocationCase):
    """Reading what lies elsewhere."""

    def test_source_is_gone(self):
        """What went wrong there is told without saying where (O-12, R2)."""
        image_id = self.external()
        for status, answer, fragment in (
            (None, 404, "could not find image data"),
            (0, 503, "Remote server where the image is present is unavailable"),
            (403, 502, "returned a 403"),
            (503, 502, "returned a 503"),
        ):
            self.elsewhere.things.clear()
            if status is not None:
                self.elsewhere.statuses[HERE] = status
            for headers in {}, {"Range": "bytes=1-2"}:
                response = self.get(image_id, headers)
                self.assert_status(response, answer, fragment)
                self.assertNotIn(b"secret", response.body)
        self.assertEqual(self.head(image_id).status, 200)

    def test_source_grew(self):
        """Its size is the source's at that moment; the record stays (O-13)."""
        image_id = self.external()
        self.elsewhere.things[HERE] = b"hello world"
        response = self.get(image_id)
        self.assertEqual(response.body, b"hello world")
        self.assertEqual(response.header("Content-Length"), "11")
        self.assertEqual(response.header("x-image-meta-size"), "11")
        self.assertEqual(self.head(image_id).header("x-image-meta-size"), "5")
        self.assert_kept(image_id, "active", size=5)

    def test_source_breaks(self):
        """A torn image never looks whole (O-14)."""
        image_id = self.external()
        self.elsewhere.lies_by, self.elsewhere.then = 1, BodyCutShort()
        response = self.get(image_id)
        self.assertEqual((response.header("Content-Length"), response.body), ("6", HELLO))
        self.assertFalse(response.is_whole)

    def test_range(self):
        """A part is read as a part, and of what is there now (O-13)."""
        image_id = self.external()
        self.elsewhere.things[HERE] = b"hello world"
        response = self.get(image_id, {"Range": "bytes=6-"})
        self.assertEqual((response.status, response.body), (206, b"world"))
        self.assertEqual(response.header("Content-Range"), "bytes 6-10/11")
        self.assertEqual(self.elsewhere.asked, [("HEAD", HERE), ("GET", HERE)])
        self.assert_status(self.get(image_id, {"Range": "bytes=11-"}), 416)

    def test_untold_size(self):
        """What has no size is read all the same, and ranges of it are the whole."""
        self.elsewhere.tells_size = False
        image_id = self.external()
        for headers in {}, {"Range": "bytes=1-2"}:
            response = self.get(image_id, headers)
            self.assertEqual((response.status, response.body), (200, HELLO))
            self.assertIsNone(response.header("Content-Length"))

    def test_untold_size_breaks(self):
        """It never looks whole either when it is not (O-14)."""
        self.elsewhere.tells_size = False
        image_id = self.external()
        self.elsewhere.then = BodyCutShort()
        self.assertFalse(self.get(image_id).is_whole)


class DeleteTests(LocationCase):
    """Deleting what lies elsewhere."""

    def test_source_stays(self):
        """The record goes, and nobody there hears of it (D-11)."""
        image_id = self.external()
        self.assert_status(self.delete(image_id), 200)
        self.assert_kept(image_id, "deleted", locations=())
        self.assertEqual(self.elsewhere.asked, [])
        self.assertEqual(self.elsewhere.things[HERE], HELLO)

    def test_failing(self):
        """Also when nobody answers there any more (D-11)."""
        image_id = self.external()
        self.elsewhere.statuses[HERE] = self.elsewhere.statuses[FAILING]
        self.assert_status(self.delete(image_id), 200)
