"""The XML that S3 speaks, read with suspicion: no entities, no more than one asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError, SubElement, TreeBuilder, tostring
from xml.parsers import expat

from attrs import frozen

#: The longest document that is read, in bytes: a page of 1000 uploads, and room to spare.
LARGEST = 4 << 20

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class BadDocument(Exception):
    """What came is not the document that should have come."""


@frozen
class Upload:
    """A multipart upload that was begun, and neither completed nor aborted."""

    name: str
    upload_id: str
    initiated: datetime


@frozen
class Page:
    """
    A part of a list of uploads.

    ``marker`` is what to ask with for the next page, or None when this is the last one.
    """

    uploads: Sequence[Upload]
    marker: Mapping[str, str] | None


@frozen
class Came:
    """Something of which so many bytes came, the last of them then."""

    modified: datetime
    size: int


@frozen
class PartPage:
    """What parts came, on one page of an upload's list; ``marker`` as in `Page`."""

    parts: Sequence[Came]
    marker: Mapping[str, str] | None


@frozen
class ObjectPage:
    """The objects on one page of a bucket's list, by name; ``marker`` as in `Page`."""

    objects: Sequence[tuple[str, Came]]
    marker: Mapping[str, str] | None


def parse(document: bytes) -> Element:
    """
    The root of a document, its tags without namespaces.

    :raises BadDocument: when it is no XML, or has a DTD (and so could have entities).
    """
    builder = TreeBuilder()
    # Its encoding is not asked: it is always UTF-8.
    parser = expat.ParserCreate("utf-8", "}")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda tag, _: builder.start(tag.rpartition("}")[2], {})
    parser.EndElementHandler = lambda tag: builder.end(tag.rpartition("}")[2])
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, ParseError, AssertionError):
        raise BadDocument("no XML") from None


def _refuse(*_: object) -> None:
    raise BadDocument("a document with a DTD")


def read_code(document: bytes) -> str:
    """The code of an ``<Error>``, or nothing when the document is none."""
    try:
        root = parse(document)
    except BadDocument:
        return ""
    return root.findtext("Code", "Unknown") if root.tag == "Error" else ""


def read_upload_id(document: bytes) -> str:
    """
    The id of an upload that was just created.

    :raises BadDocument: when there is none.
    """
    found = _root(document, "InitiateMultipartUploadResult").findtext("UploadId", "")
    if not found:
        raise BadDocument("an upload without an id")
    return found


def check_completion(document: bytes) -> None:
    """
    See that this is what comes after all parts have become one.

    :raises BadDocument: when it is not.
    """
    _root(document, "CompleteMultipartUploadResult")


def read_uploads(document: bytes) -> Page:
    """
    A page of uploads.

    Not every server names both markers of the next page: then they are those of the last upload.

    :raises BadDocument: when it is none.
    """
    root = _root(document, "ListMultipartUploadsResult")
    uploads = [
        Upload(_text(each, "Key"), _text(each, "UploadId"), _moment(each, "Initiated"))
        for each in root.iter("Upload")
    ]
    if not _is_truncated(root) or not uploads:
        return Page(uploads, None)
    last = uploads[-1]
    return Page(
        uploads,
        {
            "key-marker": root.findtext("NextKeyMarker") or last.name,
            "upload-id-marker": root.findtext("NextUploadIdMarker") or last.upload_id,
        },
    )


def read_parts(document: bytes) -> PartPage:
    """
    The parts of an upload, page by page.

    :raises BadDocument: when it is none.
    """
    root = _root(document, "ListPartsResult")
    found = list(root.iter("Part"))
    # What is swept needs no sizes.
    parts = [Came(_moment(each, "LastModified"), _size(each, "0")) for each in found]
    if not _is_truncated(root) or not found:
        return PartPage(parts, None)
    marker = root.findtext("NextPartNumberMarker") or _text(found[-1], "PartNumber")
    return PartPage(parts, {"part-number-marker": marker})


def read_objects(document: bytes) -> ObjectPage:
    """
    A page of objects, as the second version of lists has it.

    :raises BadDocument: when it is none.
    """
    root = _root(document, "ListBucketResult")
    is_encoded = root.findtext("EncodingType", "") == "url"
    objects = []
    for each in root.iter("Contents"):
        name = _text(each, "Key")
        came = Came(_moment(each, "LastModified"), _size(each))
        objects.append((unquote_plus(name) if is_encoded else name, came))
    if not _is_truncated(root) or not objects:
        return ObjectPage(objects, None)
    token = root.findtext("NextContinuationToken")
    marker = {"continuation-token": token} if token else {"start-after": objects[-1][0]}
    return ObjectPage(objects, marker)


def write_completion(parts: Sequence[Mapping[str, str]]) -> bytes:
    """What completes an upload: of each part its number, its ETag, and its checksum if any."""
    root = Element("CompleteMultipartUpload", xmlns=_NAMESPACE)
    for part in parts:
        element = SubElement(root, "Part")
        for name, value in part.items():
            SubElement(element, name).text = value
    document: bytes = tostring(root, "utf-8", xml_declaration=True)
    return document


def _root(document: bytes, tag: str) -> Element:
    root = parse(document)
    if root.tag != tag:
        raise BadDocument(f"{root.tag[:80]} instead of {tag}")
    return root


def _text(element: Element, tag: str) -> str:
    found = element.findtext(tag)
    if not found:
        raise BadDocument(f"no {tag}")
    return found


def _moment(element: Element, tag: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(element, tag))
    except ValueError:
        raise BadDocument(f"{tag} is no time") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _size(element: Element, unknown: str = "") -> int:
    try:
        return int(element.findtext("Size") or unknown)
    except ValueError:
        raise BadDocument("Size is no number") from None


def _is_truncated(root: Element) -> bool:
    return root.findtext("IsTruncated", "").strip().lower() == "true"
