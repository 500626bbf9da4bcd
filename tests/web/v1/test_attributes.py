"""The attribute headers of a POST, as the wire shows them (contract §3.2 to §3.4)."""

from __future__ import annotations

from tests.web.v1.case import AN_ID, OWNER, AttributeCase

EMOJI = "\N{GRINNING FACE}"


class NameTests(AttributeCase):
    """Names of headers."""

    def test_property_names(self):
        """Keys are lower-case with underscores, values are kept as they are (H-01)."""
        document = self.create({"X-Image-Meta-Property-OS-Distro_X": "UbuNtu"})
        self.assertEqual(document["properties"], {"os_distro_x": "UbuNtu"})

    def test_unknown(self):
        """An unknown attribute is refused before anything else (H-02)."""
        self.assert_refused("foo", "1", "Bad header: x-image-meta-foo")

    def test_not_attributes_of_v1(self):
        """Attributes of other versions are unknown here (H-03)."""
        for name in ("locations", "tags", "properties", "visibility", ""):
            self.assert_refused(name, "x", "Bad header: x-image-meta-")

    def test_other_headers(self):
        """Headers without our prefix are nobody's business (H-04)."""
        self.create({"x-image-foo": "1", "x-image-name": "n"})

    def test_ignored(self):
        """Some words are accepted and mean nothing (H-05)."""
        document = self.create({"x-image-meta-uri": "x", "x-image-meta-copy_from": "http://x/"})
        self.assertEqual(document["status"], "queued")

    def test_dashes(self):
        """Dash and underscore are one (§3.1)."""
        headers = {"X_IMAGE_META_DISK-FORMAT": "raw", "x-image-meta-Min_Disk": "3"}
        document = self.create(headers)
        self.assertEqual((document["disk_format"], document["min_disk"]), ("raw", 3))

    def test_repeated(self):
        """A header that comes twice is joined with a comma, in any spelling."""
        client = self.api.connect()
        client.send(
            b"POST /v1/images HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
            b"x-image-meta-name: a\r\nx-image-meta-name: b\r\n"
            b"x-image-meta-property-k_k: c\r\nx-image-meta-property-k-k: d\r\n\r\n"
        )
        self.assertIn(b'"name": "a,b"', client.written)
        self.assertIn(b'"properties": {"k_k": "c,d"}', client.written)

    def test_property_may_have_a_core_name(self):
        """A property may be called like an attribute."""
        document = self.create({"x-image-meta-property-name": "p", "x-image-meta-name": "n"})
        self.assertEqual((document["name"], document["properties"]), ("n", {"name": "p"}))

    def test_property_without_a_name(self):
        """A property needs a key."""
        self.assert_refused("property-", "x")

    def test_property_with_a_long_name(self):
        """A key has at most 255 characters."""
        self.create({f"x-image-meta-property-{'k' * 255}": "x"})
        self.assert_refused(f"property-{'k' * 256}", "x")


class NumberTests(AttributeCase):
    """Integers."""

    def test_not_a_size(self):
        """A size is an integer from 0 on (H-06)."""
        self.assert_refused("size", "abc", "Cannot convert image size 'abc' to an integer")
        self.assert_refused("size", "-1", "Cannot be a negative value")
        self.assert_refused("size", "1.5", "Cannot convert image size")

    def test_blanks(self):
        """Blanks around a number do not matter (H-07)."""
        document = self.assert_stored("size", " 5 ", 5)
        self.assertEqual(document["status"], "queued")

    def test_empty(self):
        """An empty number is none (H-08)."""
        for name in ("size", "min_disk", "min_ram"):
            self.assert_refused(name, "", f"Cannot convert image {name}")

    def test_virtual_size(self):
        """A virtual size may be absent, and says so by None or by nothing (H-09)."""
        self.assert_stored("virtual_size", "None", None)
        self.assert_stored("virtual_size", "", None)
        self.assert_stored("virtual_size", "7", 7)
        self.assert_refused("virtual_size", "-3", "Cannot be a negative value")

    def test_largest(self):
        """min_ram and min_disk have 31 bits (H-10)."""
        self.assert_stored("min_ram", "2147483647", 2147483647)
        self.assert_refused("min_ram", "2147483648", "'min_ram' value out of range")
        self.assert_refused("min_disk", "2147483648", "'min_disk' value out of range")
        self.assert_refused("virtual_size", str(1 << 63), "value out of range")

    def test_none_is_no_number(self):
        """Only a virtual size may be None (H-11)."""
        self.assert_refused("min_ram", "None", "Cannot convert image min_ram")


class BooleanTests(AttributeCase):
    """Booleans never fail."""

    def test_true(self):
        """Six words are true (H-12)."""
        for text in ("T", "yes", "on", "1", " true ", "Y"):
            self.assert_stored("protected", text, True)

    def test_false(self):
        """Everything else is false (H-13)."""
        for text in ("no", "garbage", "", "None", "0", "2"):
            self.assert_stored("protected", text, False)

    def test_not_public(self):
        """Garbage does not publish an image (H-14) (T-02)."""
        self.api.caller = OWNER
        self.assert_stored("is_public", "garbage", False)
        self.assert_stored("is_public", "None", False)

    def test_public(self):
        """A true one does."""
        self.assert_stored("is_public", "True", True)


class FormatTests(AttributeCase):
    """Disk and container formats."""

    def test_unknown(self):
        """Formats are compared as they are written (H-15)."""
        self.assert_refused("disk_format", "bad", "Invalid disk format 'bad'")
        self.assert_refused("disk_format", "RAW", "Invalid disk format 'RAW'")
        self.assert_refused("disk_format", "", "Invalid disk format 'None'")
        self.assert_refused("container_format", "x", "Invalid container format 'x'")
        self.assert_refused("container_format", "", "Invalid container format 'None'")

    def test_all(self):
        """Every format of the default set is one."""
        for text in ("vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"):
            self.assert_stored("disk_format", text, text)
        for text in ("bare", "ovf", "ova", "docker"):
            self.assert_stored("container_format", text, text)

    def test_amazon_disk(self):
        """An Amazon disk format brings its container (H-16)."""
        document = self.assert_stored("disk_format", "ami", "ami")
        self.assertEqual(document["container_format"], "ami")

    def test_amazon_container(self):
        """An Amazon container format brings its disk format (H-17)."""
        document = self.assert_stored("container_format", "aki", "aki")
        self.assertEqual(document["disk_format"], "aki")

    def test_amazon_mix(self):
        """An Amazon format goes with itself only (H-18)."""
        for disk, container in (("ami", "bare"), ("raw", "ami"), ("ami", "aki")):
            headers = {
                "x-image-meta-disk_format": disk,
                "x-image-meta-container_format": container,
                "x-image-meta-id": AN_ID,
            }
            self.assert_status(self.post(headers), 400, "Invalid mix of disk and container formats")
            self.assert_no_record()


class TextTests(AttributeCase):
    """Names, values and their characters."""

    def test_length_of_names(self):
        """A name has at most 255 bytes (H-19)."""
        self.assert_stored("name", "n" * 255, "n" * 255)
        self.assert_refused("name", "n" * 256, "Image name too long: 256")

    def test_bytes_of_names(self):
        """It is bytes that count, not characters (H-20)."""
        self.assert_stored("name", "ü" * 127, "ü" * 127)
        self.assert_refused("name", "ü" * 128, "Image name too long: 256")

    def test_invalid_utf8(self):
        """What is not UTF-8 is refused (H-21)."""
        self.assert_refused("name", b"\xff", "Error decoding your request")
        self.assert_refused("property-k", b"\xc3", "Error decoding your request")

    def test_beyond_the_plane(self):
        """Characters of four bytes are refused (H-22)."""
        self.assert_refused("name", EMOJI, "can't contain 4 byte unicode")
        self.assert_refused("property-k", EMOJI, "can't contain 4 byte unicode")

    def test_empty_name(self):
        """An empty name is no name (H-23)."""
        document = self.assert_stored("name", "", None)
        self.assertIsNone(self.head(document["id"]).header("x-image-meta-name"))

    def test_empty_property(self):
        """An empty property is null, and has no header (H-24)."""
        document = self.create({"x-image-meta-property-k": ""})
        self.assertEqual(document["properties"], {"k": None})
        self.assertIsNone(self.head(document["id"]).header("x-image-meta-property-k"))

    def test_checksum(self):
        """A checksum has at most 32 characters (H-30)."""
        self.assert_stored("checksum", "c" * 32, "c" * 32)
        self.assert_refused("checksum", "c" * 33, "Invalid checksum")

    def test_times(self):
        """Times are checked, and ignored (H-29)."""
        self.assert_refused("created_at", "foo", "Invalid time format for created_at")
        self.assert_refused("updated_at", "1899-01-01T00:00:00Z", "Invalid time format")
        document = self.create({"x-image-meta-created_at": "2012-01-01T00:00:00Z"})
        self.assertEqual(document["created_at"], "1970-01-01T00:00:00.000000")


class ClientTests(AttributeCase):
    """python-glanceclient percent-encodes names and values, and nobody else does."""

    encoded = {"x-image-meta-name": "a%20%C3%BC", "x-image-meta-property-a%20b": "50%25"}

    def test_glanceclient(self):
        """Its headers are decoded."""
        document = self.create({**self.encoded, "User-Agent": "python-glanceclient"})
        self.assertEqual(document["name"], "a ü")
        self.assertEqual(document["properties"], {"a b": "50%"})

    def test_others(self):
        """Another client means what it says."""
        document = self.create({**self.encoded, "User-Agent": "curl/8"})
        self.assertEqual(document["name"], "a%20%C3%BC")
        self.assertEqual(document["properties"], {"a%20b": "50%25"})

    def test_decoded_garbage(self):
        """What it encodes must be UTF-8 too, without emoji and NUL."""
        for text in ("%FF", "%F0%9F%98%80", "%00"):
            for name in ("name", f"property-{text}"):
                headers = {f"x-image-meta-{name}": text, "User-Agent": "python-glanceclient"}
                self.assert_status(self.post(headers), 400)

    def test_line_breaks(self):
        """A line break that came in encoded does not split a later response."""
        headers = {
            "x-image-meta-name": "a%0D%0AX-Evil: 1%0D%0A%0D%0Ab",
            "x-image-meta-property-k": "%0Av%0B%1C",
            "x-image-meta-property-a%0D%0Ab": "v",
            "User-Agent": "python-glanceclient",
        }
        response = self.head(self.create(headers)["id"])
        self.assertEqual(response.header("x-image-meta-name"), "a  X-Evil: 1    b")
        self.assertEqual(response.header("x-image-meta-property-a%0D%0Ab"), "v")
        self.assertIsNone(response.header("X-Evil"))
