"""Documents are read as servers write them, and those that could do harm are not."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores.s3.documents import (
    BadDocument,
    Came,
    Upload,
    parse,
    read_code,
    read_objects,
    read_parts,
    read_upload_id,
    read_uploads,
    write_completion,
)

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def uploads(*names: str, rest: str = "") -> bytes:
    """A page of uploads with the ids ``id-of-…``."""
    each = "".join(
        f"<Upload><Key>{name}</Key><UploadId>id-of-{name}</UploadId>"
        "<Initiated>2026-11-25T19:58:01.385Z</Initiated></Upload>"
        for name in names
    )
    return (
        f"<?xml version='1.0'?><ListMultipartUploadsResult{NAMESPACE}>{each}{rest}"
        "</ListMultipartUploadsResult>"
    ).encode()


class ReadingTests(SynchronousTestCase):
    """What is read."""

    def test_code(self) -> None:
        """An error has a code, with a namespace or without."""
        for namespace in ("", NAMESPACE):
            document = f"<Error{namespace}><Code>NoSuchKey</Code><Key>x</Key></Error>"
            self.assertEqual(read_code(document.encode()), "NoSuchKey")
        self.assertEqual(read_code(b"<Error/>"), "Unknown")

    def test_no_code(self) -> None:
        """What is no error has none."""
        for document in (b"", b"busy", b"<html>", b"<Fine><Code>x</Code></Fine>", b"\xff\xfe"):
            self.assertEqual(read_code(document), "")

    def test_upload_id(self) -> None:
        """An upload that was begun has an id."""
        tag = "InitiateMultipartUploadResult"
        document = f"<{tag}{NAMESPACE}><UploadId>2~abc</UploadId></{tag}>"
        self.assertEqual(read_upload_id(document.encode()), "2~abc")
        for bad in (f"<{tag}/>", "<Other><UploadId>x</UploadId></Other>", "no"):
            self.assertRaises(BadDocument, read_upload_id, bad.encode())

    def test_uploads(self) -> None:
        """A page of uploads, the last one."""
        page = read_uploads(uploads("a", "b"))
        moment = datetime(2026, 11, 25, 19, 58, 1, 385000, UTC)
        self.assertEqual(
            list(page.uploads), [Upload("a", "id-of-a", moment), Upload("b", "id-of-b", moment)]
        )
        self.assertIsNone(page.marker)

    def test_markers_of_next_page(self) -> None:
        """The next page begins where the server says, or else after the last upload."""
        said = (
            "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
            "<NextUploadIdMarker>u</NextUploadIdMarker>"
        )
        page = read_uploads(uploads("a", rest=said))
        self.assertEqual(page.marker, {"key-marker": "k", "upload-id-marker": "u"})
        page = read_uploads(uploads("a", rest="<IsTruncated>true</IsTruncated>"))
        self.assertEqual(page.marker, {"key-marker": "a", "upload-id-marker": "id-of-a"})

    def test_empty_page_is_the_last(self) -> None:
        """A page without uploads ends the list, whatever it says: there is no way on."""
        self.assertIsNone(read_uploads(uploads(rest="<IsTruncated>true</IsTruncated>")).marker)

    def test_bad_uploads(self) -> None:
        """An upload without a name, an id or a time is none."""
        for spoilt in (b"<Key>a</Key>", b"<UploadId>id-of-a</UploadId>", b"2026-11-25T19"):
            document = uploads("a").replace(spoilt, b"")
            self.assertRaises(BadDocument, read_uploads, document)

    def test_parts(self) -> None:
        """Of parts times and sizes are read, and where the next page begins."""
        modified = "<LastModified>2026-11-25T20:00:00</LastModified>"
        part = f"<Part><PartNumber>7</PartNumber>{modified}<Size>5</Size></Part>"
        document = f"<ListPartsResult{NAMESPACE}>{part}%s</ListPartsResult>"
        page = read_parts((document % "").encode())
        self.assertEqual(list(page.parts), [Came(datetime(2026, 11, 25, 20, tzinfo=UTC), 5)])
        self.assertIsNone(page.marker)
        more = "<IsTruncated>true</IsTruncated>"
        page = read_parts((document % more).encode())
        self.assertEqual(page.marker, {"part-number-marker": "7"})
        more += "<NextPartNumberMarker>9</NextPartNumberMarker>"
        page = read_parts((document % more).encode())
        self.assertEqual(page.marker, {"part-number-marker": "9"})

    def test_objects(self) -> None:
        """Of objects names are read, encoded or not, and where the next page begins."""
        rest = "<LastModified>2026-11-25T20:00:00Z</LastModified><Size>5</Size>"
        found = f"<Contents><Key>a%2Fb+c%s</Key>{rest}</Contents>".replace("%s", "")
        document = f"<ListBucketResult{NAMESPACE}>%s{found}</ListBucketResult>"
        came = Came(datetime(2026, 11, 25, 20, tzinfo=UTC), 5)
        page = read_objects(document.replace("%s", "").encode())
        self.assertEqual((list(page.objects), page.marker), ([("a%2Fb+c", came)], None))
        more = "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        page = read_objects(document.replace("%s", more).encode())
        self.assertEqual(list(page.objects), [("a/b c", came)])
        self.assertEqual(page.marker, {"start-after": "a/b c"})
        more += "<NextContinuationToken>t</NextContinuationToken>"
        page = read_objects(document.replace("%s", more).encode())
        self.assertEqual(page.marker, {"continuation-token": "t"})
        for size in "", "five":
            spoilt = document.replace("%s", "").replace("<Size>5", f"<Size>{size}").encode()
            self.assertRaises(BadDocument, read_objects, spoilt)

    def test_completion(self) -> None:
        """What completes an upload names its parts, quotes and all."""
        document = write_completion([{"PartNumber": "1", "ETag": '"a&b"'}, {"PartNumber": "2"}])
        root = parse(document)
        self.assertIn(b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', document)
        self.assertEqual([each.findtext("PartNumber") for each in root.iter("Part")], ["1", "2"])
        self.assertEqual(root.findtext("Part/ETag"), '"a&b"')


class HostileTests(SynchronousTestCase):
    """What a hostile server could send."""

    def test_entities(self) -> None:
        """A document with a DTD is refused before any entity is expanded or fetched."""
        bomb = (
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            b"<Error><Code>&b;</Code></Error>"
        )
        file = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Error><Code>x</Code></Error>'
        for document in (bomb, file):
            self.assertRaises(BadDocument, parse, document)
            self.assertEqual(read_code(document), "")

    @given(some.binary())
    def test_anything(self, document: bytes) -> None:
        """Whatever comes is a document, or BadDocument."""
        try:
            parse(document)
        except BadDocument:
            pass

    def test_deep(self) -> None:
        """A document nested as deep as its size allows does no harm (R28)."""
        deep = b"<a>" * 100_000 + b"</a>" * 100_000
        self.assertEqual(read_code(b"<Error>" + deep + b"</Error>"), "Unknown")
