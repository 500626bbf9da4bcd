"""GET of lists by filters, in any order, and of what has changed (contract §5.2 to §5.4)."""

from __future__ import annotations

from urllib.parse import quote

from glancetx.image import Image, Status, Visibility
from tests.web.v1.case import ADMIN, AN_ID, OWNER, STRANGER
from tests.web.v1.test_list import PUBLIC, ListCase

AGES_AGO = "changes-since=1969-01-01T00:00:00Z"


class FilterCase(ListCase):
    """The lists of a tenant."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER

    def named(self, name, **headers):
        attributes = {f"x-image-meta-{key}": value for key, value in headers.items()}
        return self.queued({"x-image-meta-name": name, **attributes})

    def names(self, query="", path="/v1/images"):
        return [image["name"] for image in self.images(query, path)]

    def assert_refused(self, query, fragment=""):
        """Every path refuses it, whoever asks."""
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            for path in ("/v1/images", "/v1/images/detail", "/v1/"):
                self.assert_status(self.request("GET", f"{path}?{query}"), 400, fragment)
        self.api.caller = OWNER


class FilterTests(FilterCase):
    """What an image must be like."""

    def test_name(self):
        """A name is compared as it is (L-07)."""
        image_id = self.named("mine")
        self.assertEqual(self.ids("name=mine"), [image_id])
        self.assertEqual(self.ids("name=MINE"), [])
        self.assertEqual(self.ids("name="), [])

    def test_names_are_literal(self):
        """A colon is a character of the name, and so is anything else (L-08)."""
        for name in ("a:b", "in:a,b", "Größe", "100%", "a+b c", "a;b&c=d", "'"):
            image_id = self.named(name)
            self.assertEqual(self.ids(f"name={quote(name)}"), [image_id])
        self.assertEqual(self.ids("name=a+b+c"), [])

    def test_status(self):
        """Dead images are not found, nor is what is in no state of ours (L-09)."""
        for status in (Status.KILLED, Status.DELETED):
            self.in_status(status)
        queued = self.queued()
        for text in ("killed", "deleted", "pending_delete", "bogus", "Queued", ""):
            self.assertEqual(self.ids(f"status={text}"), [])
        self.assertEqual(self.ids("status=queued"), [queued])

    def test_formats(self):
        """Formats are compared as they are, and none is unknown."""
        image_id = self.active()
        self.queued()
        self.assertEqual(self.ids("disk_format=raw"), [image_id])
        self.assertEqual(self.ids("container_format=bare&disk_format=raw"), [image_id])
        for query in ("disk_format=RAW", "disk_format=", "container_format=bogus"):
            self.assertEqual(self.ids(query), [])

    def test_sizes(self):
        """Both bounds are inclusive (L-10)."""
        for size in ("0", "5", "20"):
            self.named(size, size=size)
        self.assertEqual(self.names("size_min=5&size_max=5"), ["5"])
        self.assertEqual(self.names("size_min=5"), ["20", "5"])
        self.assertEqual(self.names("size_max=5"), ["5", "0"])

    def test_no_sizes(self):
        """A bound is a number from 0 on (L-11)."""
        for name in ("size_min", "size_max"):
            for text in ("abc", "-1", "1.5", "", "9" * 41, "%D9%A3", "1_0"):
                self.assert_refused(f"{name}={text}", "Bad value passed to filter")

    def test_beyond_the_database(self):
        """Numbers that no image can have find what they would find (L-11) (L-13)."""
        self.named("n", min_ram="1")
        for query in ("size_min=9223372036854775808", "min_ram=2147483648", "min_disk=" + "9" * 40):
            self.assertEqual(self.names(query), [])
        self.assertEqual(self.names("size_max=" + "9" * 40), ["n"])

    def test_min_ram(self):
        """The minimum is compared, not what it would suffice for (L-12)."""
        image_id = self.named("n", min_ram="512")
        self.assertEqual(self.ids("min_ram=512"), [image_id])
        self.assertEqual(self.ids("min_ram=511"), [])
        self.assertEqual(self.ids("min_ram=513"), [])

    def test_bad_minima(self):
        """A min_ram must be a number; a min_disk that is none finds nothing (L-13)."""
        self.named("n", min_disk="5")
        for text in ("abc", "-1", "", "1.5"):
            self.assert_refused(f"min_ram={text}", "Bad value passed to filter")
            self.assertEqual(self.names(f"min_disk={text}"), [])
        self.assertEqual(self.names("min_disk=5"), ["n"])

    def test_protected(self):
        """True or false in any case, and nothing else (L-14)."""
        self.named("yes", protected="true")
        self.named("no")
        for text, names in (("1", ["yes"]), ("TRUE", ["yes"]), ("False", ["no"]), ("0", ["no"])):
            self.assertEqual(self.names(f"protected={text}"), names)
        self.assert_refused("protected=None", "protected must be True, or False")
        for text in ("foo", ""):
            self.assert_refused(f"protected={text}", "Bad value passed to filter")

    def test_properties(self):
        """An image has all the properties that are asked for (L-15)."""
        one = self.queued({"x-image-meta-property-distro": "ubuntu"})
        both = self.queued(
            {"x-image-meta-property-distro": "ubuntu", "x-image-meta-property-arch": "i386"}
        )
        self.assertEqual(self.ids("property-distro=ubuntu"), [both, one])
        self.assertEqual(self.ids("property-distro=ubuntu&property-arch=i386"), [both])
        self.assertEqual(self.ids("property-distro=ubuntu&property-arch=mips"), [])
        self.assertEqual(self.ids("property-distro=Ubuntu"), [])
        self.assertEqual(self.ids("property-="), [])

    def test_property_keys(self):
        """A key is compared as it is sent, and stored in lower case (L-16)."""
        self.queued({"x-image-meta-property-Distro": "ubuntu"})
        self.assertEqual(self.ids("property-Distro=ubuntu"), [])
        self.assertEqual(len(self.ids("property-distro=ubuntu")), 1)

    def test_ignored(self):
        """What v1 does not filter by changes nothing, for operators neither (L-17, R29)."""
        image_id = self.named("n")
        for query in (
            "deleted=true&owner=x&foo=bar",
            "checksum=x&id=x&visibility=private&created_at=x",
            "virtual_size=7&tag=x&member_status=all",
        ):
            self.assertEqual(self.ids(query), [image_id])
            self.api.caller = ADMIN
            self.assertEqual(self.ids(f"{query}&is_public=None"), [image_id])
            self.api.caller = OWNER

    def test_everywhere(self):
        """The root, the brief and the detailed list understand the same (L-30)."""
        self.named("a")
        self.named("b")
        for path in ("/v1/", "/v1/images", "/v1/images/detail"):
            self.assertEqual(self.names("name=a&limit=1", path), ["a"])
            self.assertEqual(self.names("sort_key=name&sort_dir=asc", path), ["a", "b"])

    def test_nul(self):
        """A character that no image can have finds nothing."""
        for query in ("name=%00", "property-a=%00", "property-%00=a", "status=%00"):
            self.assertEqual(self.ids(query), [])


class ChangesTests(FilterCase):
    """changes-since (§5.3)."""

    def test_the_dead(self):
        """Deleted and killed images are changes, one's own and public ones (L-18)."""
        self.api.caller = STRANGER
        public, private = self.queued(PUBLIC), self.queued()
        for image_id in (public, private):
            self.delete(image_id)
        self.api.caller = OWNER
        deleted, killed, alive = self.queued(), self.in_status(Status.KILLED), self.queued()
        self.delete(deleted)
        self.assertEqual(self.ids(AGES_AGO), [alive, killed, deleted, public])
        images = {image["id"]: image for image in self.images(AGES_AGO, "/v1/images/detail")}
        self.assertEqual((images[deleted]["status"], images[deleted]["deleted"]), ("deleted", True))
        self.assertEqual((images[killed]["status"], images[killed]["deleted"]), ("killed", False))

    def test_deleted(self):
        """The deleted ones alone can be asked for (L-20)."""
        gone = self.queued()
        self.delete(gone)
        self.queued()
        self.assertEqual(self.ids(f"{AGES_AGO}&status=deleted"), [gone])
        self.assertEqual(self.ids("status=deleted"), [])

    def test_properties(self):
        """A deleted image has no properties."""
        alive, gone = (self.queued({"x-image-meta-property-k": "v"}) for _ in range(2))
        self.delete(gone)
        self.assertEqual(self.ids(f"{AGES_AGO}&property-k=v"), [alive])

    def test_strictly_later(self):
        """The moment itself is not later, in whatever zone it is told."""
        self.api.clock.advance(1_800_000_000)
        self.named("old")
        self.api.clock.advance(1)
        self.named("new")
        for time in (
            "2027-01-15T08:00:00Z",
            "2027-01-15T08:00:00",
            "2027-01-15%2008:00:00.000000",
            "2027-01-15T08:00:00%2B00:00",
            "2027-01-15T10:00:00%2B02:00",
            "2027-01-15T00:30:00-07:30",
            "20270115T080000Z",
        ):
            self.assertEqual(self.names(f"changes-since={time}"), ["new"], time)
        self.assertEqual(self.names("changes-since=2027-01-15"), ["new", "old"])
        self.assertEqual(self.names("changes-since=2027-01-16"), [])

    def test_no_times(self):
        """What is no time is refused, and a raw plus sign is a blank (L-19)."""
        for text in (
            "foo",
            "",
            "2027-01-15T08:00:00+02:00",
            "2027-13-01",
            "1800000000",
            "0001-01-01T00:00:00%2B14:00",
            "9999-12-31T23:59:59-01:00",
        ):
            self.assert_refused(f"changes-since={text}", "Unrecognized changes-since value")


class OrderTests(FilterCase):
    """sort_key and sort_dir (§5.4)."""

    def test_by_name(self):
        """Ties are in the order of creation, and then of ids, in the same direction (L-23)."""
        a, first, second, c = (self.named(name) for name in ("a", "b", "b", "c"))
        self.assertEqual(self.ids("sort_key=name&sort_dir=asc"), [a, first, second, c])
        self.assertEqual(self.ids("sort_key=name"), [c, second, first, a])

    def test_every_key(self):
        """Every key is taken, and null is like the empty text."""
        image_ids = [self.named("b", size="7"), self.queued(), self.active()]
        for key in ("container_format", "disk_format", "name", "size", "status"):
            self.assertEqual(set(self.ids(f"sort_key={key}")), set(image_ids))
        self.assertEqual(self.ids("sort_key=id&sort_dir=asc"), sorted(image_ids))
        self.assertEqual(self.ids("sort_key=created_at&sort_dir=asc"), image_ids)
        self.assertEqual(self.ids("sort_key=size&sort_dir=desc")[:2], [image_ids[0], image_ids[2]])
        self.put(image_ids[0], {"x-image-meta-name": "n"})
        self.assertEqual(self.ids("sort_key=updated_at")[0], image_ids[0])

    def test_refused(self):
        """Other keys and other words for a direction are not understood (L-24)."""
        for key in ("owner", "", "name,size", "image_id", "Name", "checksum"):
            self.assert_refused(f"sort_key={key}", "Unsupported sort_key")
        for direction in ("ASC", "", "up"):
            self.assert_refused(f"sort_dir={direction}", "Unsupported sort_dir")

    def test_repeated(self):
        """The last value counts (L-28)."""
        self.named("a", size="2")
        self.named("b", size="1")
        self.assertEqual(self.names("sort_key=name&sort_key=size&sort_dir=asc"), ["b", "a"])

    def test_pages(self):
        """Every image is on one page, in any order (L-25) (T-04)."""
        for n in range(45):
            self.named("abc"[n % 3], size=str(n % 4))
        for key in ("name", "size", "id", "disk_format", "updated_at"):
            for direction in ("asc", "desc"):
                query = f"sort_key={key}&sort_dir={direction}&limit=20"
                pages = [self.ids(query)]
                while len(pages[-1]) == 20:
                    pages.append(self.ids(f"{query}&marker={pages[-1][-1]}"))
                self.assertEqual([len(page) for page in pages], [20, 20, 5])
                self.assertEqual(sum(pages, []), self.ids(f"{query}&limit=100"))
                self.assertEqual(len(set(sum(pages, []))), 45)


class MarkerTests(FilterCase):
    """marker (§5.4)."""

    def test_refused(self):
        """It is an image that one sees (L-26)."""
        self.api.caller = STRANGER
        invisible = self.queued()
        self.api.caller = OWNER
        for marker, fragment in (
            ("foo", "Invalid marker format"),
            ("", "Image could not be found"),
            (AN_ID, "Image could not be found"),
            (invisible, "Image could not be found"),
        ):
            response = self.request("GET", f"/v1/images?marker={marker}")
            self.assert_status(response, 400, fragment)

    def test_deleted(self):
        """A deleted image is a marker among changes; for an operator, always (L-27)."""
        old, gone = self.queued(), self.queued()
        self.delete(gone)
        response = self.request("GET", f"/v1/images?marker={gone}")
        self.assert_status(response, 400, "Image could not be found")
        self.assertEqual(self.ids(f"marker={gone}&{AGES_AGO}"), [old])
        self.api.caller = ADMIN
        self.assertEqual(self.ids(f"marker={gone}&is_public=None"), [old])

    def test_deleted_of_others(self):
        """Somebody else's deleted image is none of one's business, also among changes."""
        self.api.caller = STRANGER
        gone = self.queued()
        self.delete(gone)
        self.api.caller = OWNER
        response = self.request("GET", f"/v1/images?marker={gone}&{AGES_AGO}")
        self.assert_status(response, 400, "Image could not be found")

    def test_need_not_fit(self):
        """A killed image is a marker, and so is one that the filters leave out."""
        old = self.named("old")
        killed, other = self.in_status(Status.KILLED), self.named("other")
        self.assertEqual(self.ids(f"marker={killed}"), [old])
        self.assertEqual(self.ids(f"name=old&marker={other}"), [old])


class SharedTests(FilterCase):
    """What is shared with whoever asks (§5.1)."""

    def insert(self, name, owner, visibility):
        image = Image(image_id=name, name=name, owner=owner, visibility=visibility)
        self.do(self.api.registry.insert(image))
        self.do(self.api.registry.share(name, "t1"))

    def test_who(self):
        """A list has what is shared with the tenant, in order with the rest (L-01) (L-02, R5)."""
        self.named("own")
        for visibility in Visibility:
            self.insert(f"t2's {visibility.value}", "t2", visibility)
        self.insert("nobody's", None, Visibility.PRIVATE)
        self.named("own too")
        self.assertEqual(self.names(), ["own too", "t2's shared", "t2's public", "own"])
        self.assertEqual(self.names("name=t2's+shared"), ["t2's shared"])
        self.api.caller = ADMIN
        self.assertEqual(self.names(), ["t2's public"])
        self.assertEqual(len(self.names("is_public=None")), 7)
        self.assertEqual(len(self.names("is_public=False")), 6)

    def test_own(self):
        """Who is a member of his own image sees it once."""
        self.insert("mine", "t1", Visibility.SHARED)
        self.assertEqual(self.names(), ["mine"])

    def test_as_marker(self):
        """What is shared is a marker like any other."""
        self.named("old")
        self.do(
            self.api.registry.insert(
                Image(image_id=AN_ID, name="shared", owner="t2", visibility=Visibility.SHARED)
            )
        )
        response = self.request("GET", f"/v1/images?marker={AN_ID}")
        self.assert_status(response, 400, "Image could not be found")
        self.do(self.api.registry.share(AN_ID, "t1"))
        self.assertEqual(self.names(f"marker={AN_ID}"), ["old"])
