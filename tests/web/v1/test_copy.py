"""Copy-from on POST and PUT (contract §6.2)."""

from __future__ import annotations

from attrs import evolve

from glancetx.errors import RemoteBroken
from glancetx.image import Status
from glancetx.limits import Limits
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.streams import HANG
from glancetx.usecases.copied import CopyFailed
from tests.elsewhere import FAILING, FORBIDDEN, HERE, HOST, NOWHERE, REFUSED, Elsewhere
from tests.web.api import FORMATS, UNLIMITED, Api
from tests.web.v1.case import AN_ID, HELLO, HELLO_MD5, OWNER, STRANGER, ApiCase

UNSUPPORTED = "External sources are not supported"


def copy_from(location: str, **attributes: str) -> dict[str, str]:
    """The headers that ask for a copy, and of the image's record this."""
    return {
        "x-glance-api-copy-from": location,
        **{f"x-image-meta-{name}": value for name, value in attributes.items()},
    }


class CopyCase(ApiCase):
    """A daemon that can read from elsewhere."""

    limits = Limits()

    def make_api(self) -> Api:
        self.elsewhere = Elsewhere()
        self.second = MemoryStore(None)
        return Api(
            limits=self.limits,
            more_stores=(self.elsewhere.shelved, ShelvedStore("second", self.second)),
        )

    def assert_killed_because(self, fragment: str, image_id: str = AN_ID) -> None:
        """The copy failed, nothing is left of it, and the reason says this and no location."""
        self.assert_killed_without_bytes(image_id)
        reason = self.record(image_id).status_reason or ""
        self.assertIn(fragment, reason)
        for part in ("secret", "example.org", "http://"):
            self.assertNotIn(part, reason)
        self.assert_no_lease(image_id)

    def assert_no_lease(self, image_id: str) -> None:
        self.assertIsNone(self.api.registry._records[image_id].lease_until)
        self.do(self.api.transfers.idle())


class TooManyTests(CopyCase):
    """Two copies may run or wait."""

    def make_api(self) -> Api:
        traffic = evolve(UNLIMITED, max_copies=2)
        self.elsewhere = Elsewhere()
        return Api(traffic=traffic, more_stores=(self.elsewhere.shelved,))

    def test_too_many(self):
        """One more is refused before anybody is asked or anything is made; later it runs."""
        self.elsewhere.then = HANG
        for _ in range(2):
            self.create({**copy_from(HERE), **FORMATS})
        asked, records = list(self.elsewhere.asked), dict(self.api.registry._records)
        response = self.post({**copy_from(HERE), **FORMATS})
        self.assertEqual((response.status, response.header("Retry-After")), (503, "5"))
        self.assertEqual((self.elsewhere.asked, self.api.registry._records), (asked, records))
        pending = self.create(FORMATS)["id"]
        self.assertEqual(self.put(pending, copy_from(HERE)).status, 503)
        self.assert_kept(pending, "queued")
        self.elsewhere.sources[0].finish()
        self.assertEqual(self.put(pending, copy_from(HERE)).status, 200)
        for source in self.elsewhere.sources[1:]:
            source.finish()
        self.assert_kept(pending, "active")


class CreateTests(CopyCase):
    """POST."""

    def test_copy(self):
        """It answers at once, is active soon, and the source is needed no more (C-21)."""
        self.elsewhere.then = HANG
        document = self.create({**copy_from(HERE), **FORMATS})
        self.assertEqual((document["status"], document["size"]), ("queued", 5))
        image_id = document["id"]
        self.assert_kept(image_id, "saving")
        self.elsewhere.sources[0].finish()
        self.assert_kept(image_id, "active", size=5, checksum=HELLO_MD5)
        self.elsewhere.things.clear()
        response = self.get(image_id)
        self.assertEqual((response.body, response.header("ETag")), (HELLO, HELLO_MD5))
        self.assertEqual(self.elsewhere.asked, [("HEAD", HERE), ("GET", HERE)])
        self.assert_no_lease(image_id)

    def test_nothing_there(self):
        """What cannot be had is known before a record is made (C-22, E-03)."""
        for location, status, fragment in (
            (NOWHERE, 404, "could not find image at URI"),
            (FORBIDDEN, 400, "returned a 403 status code"),
            (REFUSED, 400, "The HTTP URL is invalid"),
        ):
            response = self.post(copy_from(location, id=AN_ID))
            self.assert_status(response, status, fragment)
            self.assertNotIn(b"secret", response.body)
            self.assert_no_record()

    def test_size_given(self):
        """Whoever tells a size has nobody asked before the answer (C-23)."""
        document = self.create(copy_from(NOWHERE, id=AN_ID, size="11"))
        self.assertEqual((document["status"], document["size"]), ("queued", 11))
        self.assertEqual(self.elsewhere.asked, [("GET", NOWHERE)])
        self.assert_killed_because("could not find image at URI")

    def test_size_zero(self):
        """A size of 0 says nothing, and makes no empty image."""
        document = self.create(copy_from(HERE, id=AN_ID, size="0"))
        self.assertEqual(document["status"], "queued")
        self.assert_kept(AN_ID, "active", size=5)

    def test_wrong_size(self):
        """The size that the source tells takes the place of a wrong one (C-24)."""
        self.create(copy_from(HERE, id=AN_ID, size="11"))
        self.assert_kept(AN_ID, "active", size=5)

    def test_size_against_an_untold_one(self):
        """When the source tells none, what arrived is compared with what was said (C-24)."""
        self.elsewhere.tells_size = False
        self.create(copy_from(HERE, id=AN_ID, size="11"))
        self.assert_killed_because("Supplied size (11)")
        self.create(copy_from(HERE, size="5"))
        self.create(copy_from(HERE))

    def test_checksum(self):
        """A checksum is a promise (C-25)."""
        self.create(copy_from(HERE, id=AN_ID, checksum="abc"))
        self.assert_killed_because("Supplied checksum (abc)")
        self.create(copy_from(HERE, checksum=HELLO_MD5))

    def test_no_formats(self):
        """Formats are not needed (C-26)."""
        self.create(copy_from(HERE, id=AN_ID))
        self.assert_kept(AN_ID, "active", disk_format=None, container_format=None)

    def test_content_type(self):
        """Nor a content type (C-26)."""
        self.create({**copy_from(HERE, id=AN_ID), "Content-Type": "text/plain"})
        self.assert_kept(AN_ID, "active")

    def test_schemes(self):
        """Only what lies on web servers can be copied (C-27, R10)."""
        for location in (
            "file:///etc/passwd",
            "filesystem:///x",
            "swift+config://x",
            "FILE:///x",
            "ftp://x/",
            "HTTP://example.org/image",
            "x",
        ):
            response = self.post(copy_from(location, id=AN_ID))
            self.assert_status(response, 400, UNSUPPORTED)
            self.assert_no_record()
        for location, fragment in (("http://", "Invalid location"), ("", "should not be empty")):
            self.assert_status(self.post(copy_from(location, id=AN_ID)), 400, fragment)
            self.assert_no_record()
        self.assertEqual(self.elsewhere.asked, [])

    def test_read_only_store(self):
        """A copy to where nothing can be written is killed, and the source not asked (C-28)."""
        self.create(copy_from(HERE, id=AN_ID, store="http", size="5"))
        self.assert_killed_because("Adding images to store is disabled")
        self.assertEqual(self.elsewhere.asked, [])

    def test_named_store(self):
        """It goes where it is told to."""
        self.create(copy_from(HERE, id=AN_ID, store="second"))
        self.assertEqual(bytes(self.second._images[AN_ID]), HELLO)
        self.assertEqual(self.record(AN_ID).locations[0].store, "second")

    def test_unknown_store(self):
        """An unknown store is refused at once, also when its name is empty (C-14)."""
        for store in "bad", "":
            self.assert_status(self.post(copy_from(HERE, id=AN_ID, store=store)), 400)
            self.assert_no_record()

    def test_sources(self):
        """Two sources are one too many, and nobody is asked (C-33)."""
        location = {"x-image-meta-location": HERE}
        for headers, body in (
            ({**copy_from(HERE, id=AN_ID), **location}, None),
            ({**copy_from(HERE, id=AN_ID), **FORMATS}, HELLO),
            ({**location, **FORMATS, "x-image-meta-id": AN_ID}, HELLO),
        ):
            self.assert_status(self.post(headers, body), 400, "multiple image sources")
            self.assert_no_record()
        self.assertEqual(self.elsewhere.asked, [])

    def test_source_breaks(self):
        """What breaks in the middle leaves nothing."""
        for error in RemoteBroken(), CopyFailed("the line went dead"):
            self.elsewhere.then = error
            image_id = self.create(copy_from(HERE))["id"]
            self.assert_killed_because(str(error), image_id)

    def test_not_shown(self):
        """The location is in no answer and in no record."""
        self.create(copy_from(HERE, id=AN_ID))
        for response in (self.head(AN_ID), self.get(AN_ID), self.request("GET", "/v1/images")):
            self.assertNotIn(b"secret", response.body)
            self.assertNotIn("secret", str(response.headers))
        self.assertNotIn("secret", repr(self.record(AN_ID)))


class CapTests(CopyCase):
    """``image_size_cap``, which is five bytes here (R7)."""

    limits = Limits(image_size_cap=5)

    def test_source_tells(self):
        """A source that has more is refused before a record is made."""
        self.elsewhere.things[HERE] = b"hello!"
        response = self.post(copy_from(HERE, id=AN_ID))
        self.assert_status(response, 400, "Denying attempt to upload image larger than 5")
        self.assert_no_record()

    def test_source_tells_later(self):
        """Or killed before a byte is taken, when it was not asked before."""
        self.elsewhere.things[HERE] = b"hello!"
        self.create(copy_from(HERE, id=AN_ID, size="5"))
        self.assert_killed_because("Denying attempt to upload image larger than 5")
        self.assertFalse(self.elsewhere.sources[0].was_poured)

    def test_source_does_not_tell(self):
        """Or cut off one byte too late for it."""
        self.elsewhere.tells_size = False
        self.elsewhere.things[HERE] = b"hello!"
        self.create(copy_from(HERE, id=AN_ID))
        self.assert_killed_because("Denying attempt to upload image larger than 5")

    def test_just_fits(self):
        """As much as is allowed may come."""
        self.create(copy_from(HERE, id=AN_ID))
        self.assert_kept(AN_ID, "active")


class RetryTests(CopyCase):
    """Sources that are not there now, and may be soon."""

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.api.clock.advance(1)

    def test_comes_back(self):
        """They are asked again, and the image stays queued meanwhile."""
        for location in (REFUSED, FAILING):
            image_id = self.create(copy_from(location, size="5"))["id"]
            self.assert_kept(image_id, "queued")
            del self.elsewhere.statuses[location]
            self.elsewhere.things[location] = HELLO
            self.pass_time(2)
            self.assert_kept(image_id, "active")

    def test_gives_up(self):
        """But not for ever; a janitor does not mind how long it takes."""
        for location, fragment in (
            (REFUSED, "is unavailable"),
            (FAILING, "returned a 503 status code"),
        ):
            self.elsewhere.asked.clear()
            image_id = self.create(copy_from(location, size="5"))["id"]
            self.pass_time(13)
            self.assert_kept(image_id, "queued")
            self.assertEqual(self.do(self.api.janitor.clean()), 0)
            self.pass_time(1)
            self.assert_killed_because(fragment, image_id)
            self.assertEqual(self.elsewhere.asked, [("GET", location)] * 4)

    def test_for_good(self):
        """What is refused for good is not asked for again."""
        self.create(copy_from(FORBIDDEN, id=AN_ID, size="5"))
        self.assert_killed_because("returned a 403 status code")
        self.assertEqual(len(self.elsewhere.asked), 1)


class PutTests(CopyCase):
    """PUT."""

    def test_copy(self):
        """A reserved image may be copied to; properties are purged as ever (U-26)."""
        image_id = self.queued({"x-image-meta-property-a": "1"})
        self.elsewhere.then = HANG
        document = self.document(self.put(image_id, copy_from(HERE, name="n")))
        self.assertEqual((document["status"], document["size"]), ("queued", 5))
        self.assertEqual((document["name"], document["properties"]), ("n", {}))
        self.elsewhere.sources[0].finish()
        self.assert_kept(image_id, "active", size=5, checksum=HELLO_MD5)
        self.assert_no_lease(image_id)

    def test_not_queued(self):
        """Bytes are written once (U-24, R17)."""
        for status in (Status.ACTIVE, Status.SAVING, Status.KILLED, Status.DEACTIVATED):
            image_id = self.in_status(status, {"x-image-meta-name": "old"})
            for headers in (copy_from(HERE, name="n"), {"x-image-meta-location": HERE}):
                response = self.put(image_id, headers)
                self.assert_status(response, 400, "Attempted to update Location field")
            self.assert_kept(image_id, status.value, name="old")
        self.assertEqual(self.elsewhere.asked, [])

    def test_nothing_there(self):
        """Then nothing has changed, and another try may follow (U-27)."""
        image_id = self.queued({"x-image-meta-name": "old", "x-image-meta-size": "7"})
        for headers in (copy_from(NOWHERE, name="n"), {"x-image-meta-location": NOWHERE}):
            self.assert_status(self.put(image_id, headers), 404, "could not find image at URI")
            self.assert_kept(image_id, "queued", name="old", size=7)
        self.document(self.put(image_id, copy_from(HERE)))
        self.assert_kept(image_id, "active", size=5)

    def test_order(self):
        """Who may not change the image learns nothing of the source (§3.6)."""
        self.api.caller = OWNER
        image_id = self.active()
        self.assert_status(self.put(image_id, copy_from("ftp://x")), 400, UNSUPPORTED)
        self.assert_status(self.put(image_id, copy_from(HERE, status="queued")), 403)
        self.assert_status(self.put(image_id, copy_from(HERE, size="7")), 403)
        self.assert_status(self.put(image_id, {**copy_from("ftp://x"), **FORMATS}, HELLO), 409)
        self.assert_status(self.put(AN_ID, copy_from("ftp://x")), 404)
        self.api.caller = STRANGER
        self.assert_status(self.put(image_id, copy_from("ftp://x")), 404)
        self.assertEqual(self.elsewhere.asked, [])

    def test_properties_before_the_source(self):
        """What is wrong with the request is told before anybody is asked (§3.6)."""
        image_id = self.queued()
        many = {f"x-image-meta-property-{n}": "1" for n in range(129)}
        self.assert_status(self.put(image_id, {**copy_from(HERE), **many}), 413)
        self.assertEqual(self.elsewhere.asked, [])

    def test_sources(self):
        """Two sources are one too many, and nothing is saved (C-33)."""
        image_id = self.queued({"x-image-meta-name": "old"})
        both = {**copy_from(HERE, name="n"), "x-image-meta-location": HERE}
        self.assert_status(self.put(image_id, both), 400, "multiple image sources")
        data = {**copy_from(HERE, name="n"), **FORMATS}
        self.assert_status(self.put(image_id, data, HELLO), 400, "multiple image sources")
        self.assert_kept(image_id, "queued", name="old")

    def test_lease(self):
        """Somebody answers for the image from the answer on (R12)."""
        posted = self.create(copy_from(REFUSED, size="5"))["id"]
        image_id = self.queued()
        self.document(self.put(image_id, copy_from(REFUSED, size="5")))
        for each in posted, image_id:
            lease_until = self.api.registry._records[each].lease_until
            self.assertEqual(lease_until, self.api.transfers.lease)

    def test_data_while_a_copy_waits(self):
        """Whoever is first brings the bytes, and the other one leaves them alone."""
        image_id = self.create(copy_from(REFUSED, size="5"))["id"]
        self.assertEqual(self.document(self.put(image_id, FORMATS, HELLO))["status"], "active")
        self.api.clock.pump([1] * 60)
        self.assert_kept(image_id, "active")
        self.assertEqual(self.stored(), {image_id: HELLO})
        self.assert_no_lease(image_id)


class ProgressTests(CopyCase):
    """How far a transfer is, for those whom it concerns."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER

    def transferred(self, image_id):
        return self.head(image_id).header("X-Glancetx-Transferred")

    def test_copy(self):
        """It is told while bytes come, as often as the lease is renewed, and not afterwards."""
        self.elsewhere.then = HANG
        image_id = self.create(copy_from(HERE, is_public="true"))["id"]
        self.assertEqual(self.transferred(image_id), "0")
        self.api.clock.pump([1] * 10)
        self.assertEqual(self.transferred(image_id), "5")
        self.api.caller = STRANGER
        self.assertIsNone(self.transferred(image_id))
        self.api.caller = OWNER
        self.elsewhere.sources[0].finish()
        self.assertIsNone(self.transferred(image_id))
        self.assertEqual(self.record(image_id).transferred, 0)

    def test_upload(self):
        """So it is for the bytes that a client brings."""
        image_id = self.queued(FORMATS)
        client = self.begin("PUT", f"/v1/images/{image_id}", FORMATS, 5)
        client.send(b"hel")
        self.api.clock.pump([1] * 10)
        self.assertEqual(self.transferred(image_id), "3")
        client.send(b"lo")
        self.assertIsNone(self.transferred(image_id))

    def test_other_states(self):
        """There is no progress of what does not move."""
        image_id = self.create(copy_from(f"{HOST}/x", size="1"))["id"]
        self.assertIsNone(self.transferred(image_id))
        self.assertIsNone(self.transferred(self.queued()))
