"""Targets: what other servers answer, and where users say that their images lie."""

from __future__ import annotations

import json

from glancetx.errors import InvalidLocation, SourceNotSupported
from glancetx.identity.keystone_token import parse_token
from glancetx.keystone.credentials import parse_credentials
from glancetx.keystone.login import parse_login
from glancetx.outbound.addresses import is_public, parse_address
from glancetx.outbound.target import parse_target, redirect
from glancetx.stores.s3 import documents
from tests.fuzz.target import Target, claim, text


def location(data: bytes) -> None:
    """A URL → a target that says the same when it is read again, and where it redirects to."""
    string, _, there = text(data).partition("\n")
    if (address := parse_address(string)) is not None:
        is_public(address)
    try:
        target = parse_target(string)
    except (SourceNotSupported, InvalidLocation):
        return
    claim(target.scheme in ("http", "https"), "another scheme", string)
    claim(b"\r" not in target.url and b"\n" not in target.url, "more than a line", string)
    again = parse_target(target.url.decode("ascii"))
    claim(again.url == target.url and again.host == target.host, "not stable", string, target)
    claim(again.authorization is None, "credentials in what is logged", string)
    try:
        led = redirect(target, there)
    except InvalidLocation:
        return
    kept = led.authorization is None or led.origin == target.origin
    claim(kept, "credentials follow to another origin", string, there)


def xml(data: bytes) -> None:
    """An answer of S3 → what is in it, or `BadDocument`."""
    documents.read_code(data)
    for read in (
        documents.read_upload_id,
        documents.check_completion,
        documents.read_uploads,
        documents.read_parts,
    ):
        try:
            read(data)
        except documents.BadDocument:
            continue


def completion(data: bytes) -> None:
    """What completes an upload is XML that says what was meant, or cannot be said."""
    etag = text(data)
    written = documents.write_completion([{"PartNumber": "1", "ETag": etag}])
    try:
        read = documents.parse(written).findtext("Part/ETag", "")
    except documents.BadDocument:
        claim(not etag.isprintable(), "XML that nobody can read", etag)
        return
    lines = etag.replace("\r\n", "\n").replace("\r", "\n")
    claim(read in (etag, lines), "another ETag", etag, read)


def keystone(data: bytes) -> None:
    """An answer of Keystone → a token, or a ValueError that tells no names."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for read in (parse_token, lambda document: parse_login("t", document)):
        try:
            read(document)
        except ValueError as error:
            claim(str(error) == "this is not a token of Keystone", "tells more", error)
    if isinstance(document, dict):
        try:
            parse_credentials(document, "x")
        except ValueError:
            return


TARGETS = (
    Target(
        "location",
        location,
        (
            b"http://user:p%40ss@Example.org:8080/a?b=c\n//other/x",
            b"https://[2001:db8::1]/\n../y",
            "http://bücher.example/ä\nhttp://169.254.169.254/".encode(),
            b"http://0x7f.1/\n\\\\evil",
            b"http://127.0.0.1:80/#x",
        ),
    ),
    Target(
        "xml",
        xml,
        (
            b"<Error><Code>NoSuchKey</Code></Error>",
            b'<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            b"<UploadId>u</UploadId></InitiateMultipartUploadResult>",
            b"<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><Upload><Key>k</Key>"
            b"<UploadId>u</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
            b"</ListMultipartUploadsResult>",
            b"<ListPartsResult><Part><PartNumber>1</PartNumber><LastModified>2026-01-01T00:00:00Z"
            b"</LastModified></Part></ListPartsResult>",
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        ),
    ),
    Target("completion", completion, (b'"abc"', b"<&>\r\n", b"\0")),
    Target(
        "keystone",
        keystone,
        (
            b'{"token": {"user": {"id": "u"}, "project": {"id": "p"}, "roles": [{"name": "r"}], '
            b'"expires_at": "2026-01-01T00:00:00Z", "catalog": [{"type": "image", "endpoints": '
            b'[{"url": "u", "interface": "public", "region": "r"}]}], "application_credential": '
            b'{"access_rules": [{"method": "GET", "path": "/v1/**", "service": "image"}]}}}',
            b'{"username": "u", "password": "p", "project_name": "x"}',
        ),
    ),
)
