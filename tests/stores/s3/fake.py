"""A server of S3 on loopback, with one bucket in memory, that errs as a test wants it to."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

#: What a request is, for those who want it to fail.
HEAD_BUCKET = "HEAD bucket"
HEAD = "HEAD"
GET = "GET"
PUT = "PUT"
DELETE = "DELETE"
CREATE = "POST uploads"
PUT_PART = "PUT part"
COMPLETE = "POST complete"
ABORT = "DELETE upload"
PARTS = "GET parts"
UPLOADS = "GET uploads"
OBJECTS = "GET objects"

_any_reactor: Any = reactor


@define
class Object:
    data: bytes
    headers: dict[str, str]
    etag: str
    modified: float = field(factory=time.time)


@define
class Upload:
    key: str
    headers: dict[str, str]
    initiated: float
    parts: dict[int, bytes] = field(factory=dict)
    #: When its parts came.
    modified: float | None = None
    #: How often its parts come back after it was aborted.
    revivals: int = 0


@define
class Fault:
    """
    What happens to requests of a kind, the next so many ``times``.

    ``how`` is given the request, whose answer it has to make.
    """

    kind: str
    how: Callable[[Any], Any]
    times: int = 1


class _Quiet(Site):
    """Writes no log: what we say is to be found in it."""

    def log(self, request: Any) -> None:
        pass


class FakeS3(Resource):
    """The bucket ``images``; keys are what comes after it in the path."""

    isLeaf = True

    def __init__(self, test: TestCase) -> None:
        super().__init__()
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, Upload] = {}
        #: Kind, key and headers of every request so far.
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: list[Fault] = []
        self.exists = True
        #: By how many seconds its clock is wrong.
        self.skew = 0.0
        #: How many objects or uploads a page has.
        self.page = 1000
        self._count = 0
        self._kinds: dict[str, Callable[[Any, str], bytes]] = {
            HEAD: self._get,
            GET: self._get,
            PUT: self._put,
            DELETE: self._delete,
            CREATE: self._create,
            PUT_PART: self._put_part,
            COMPLETE: self._complete,
            ABORT: self._abort,
            PARTS: self._list_parts,
            UPLOADS: self._list_uploads,
            OBJECTS: self._list_objects,
            HEAD_BUCKET: lambda request, key: b"",
        }
        self._port = _any_reactor.listenTCP(0, _Quiet(self), interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{self._port.getHost().port}"
        test.addCleanup(self.leave)

    async def leave(self) -> None:
        """Listen no more."""
        await maybeDeferred(self._port.stopListening)

    # -- what a test asks and wants

    def seen(self, kind: str) -> list[dict[str, str]]:
        """The headers of all requests of a kind."""
        return [headers for each, _, headers in self.requests if each == kind]

    def refuse(self, kind: str, status: int, code: str = "", times: int = 1) -> None:
        """Answer with an error, and do nothing."""
        self.faults.append(Fault(kind, lambda request: _error(request, status, code), times))

    def lose(self, kind: str, times: int = 1) -> None:
        """Do what is asked, and break off instead of saying so."""

        def how(request: Any) -> Any:
            self._do(kind, request)
            return cut(request)

        self.faults.append(Fault(kind, how, times))

    def cut(self, kind: str, times: int = 1) -> None:
        """Break off, and do nothing."""
        self.faults.append(Fault(kind, cut, times))

    def fault(self, kind: str, how: Callable[[Any], Any], times: int = 1) -> None:
        self.faults.append(Fault(kind, how, times))

    # -- the server

    def render(self, request: Any) -> Any:
        kind = self._kind(request)
        headers = {
            name.decode().lower(): values[0].decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.requests.append((kind, self._key(request), headers))
        request.setHeader("Date", formatdate(time.time() + self.skew, usegmt=True))
        request.setHeader("x-amz-request-id", "request-7")
        for fault in self.faults:
            if fault.kind == kind:
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault.how(request)
        return self._do(kind, request)

    def _do(self, kind: str, request: Any) -> bytes:
        stamp = request.getHeader("x-amz-date")
        signed = time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.timezone
        if abs(signed - time.time() - self.skew) > 900:
            return _error(request, 403, "RequestTimeTooSkewed")
        if not self.exists:
            return _error(request, 404, "NoSuchBucket")
        body = request.content.read()
        request.content.seek(0)
        given = request.getHeader("content-md5")
        if given and given != b64encode(hashlib.md5(body).digest()).decode():
            return _error(request, 400, "BadDigest")
        payload = request.getHeader("x-amz-content-sha256")
        if payload not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            return _error(request, 400, "XAmzContentSHA256Mismatch")
        return self._kinds[kind](request, self._key(request))

    def _kind(self, request: Any) -> str:
        method, names = request.method.decode(), set(request.args)
        if not self._key(request):
            lists = OBJECTS if b"list-type" in names else UPLOADS
            return lists if method == "GET" else HEAD_BUCKET
        if b"uploads" in names:
            return CREATE
        if b"uploadId" not in names:
            return str(method)
        return {"PUT": PUT_PART, "POST": COMPLETE, "DELETE": ABORT, "GET": PARTS}[method]

    def _key(self, request: Any) -> str:
        return str(request.path.decode().removeprefix("/images").lstrip("/"))

    def _make(self, request: Any, key: str, data: bytes, headers: dict[str, str], etag: str) -> Any:
        if request.getHeader("if-none-match") == "*" and key in self.objects:
            return _error(request, 412, "PreconditionFailed")
        self.objects[key] = Object(data, headers, etag)
        request.setHeader("ETag", f'"{etag}"')
        return None

    def _put(self, request: Any, key: str) -> bytes:
        data = request.content.read()
        refusal = self._make(request, key, data, _kept(request), hashlib.md5(data).hexdigest())
        return refusal or b""

    def _get(self, request: Any, key: str) -> bytes:
        found = self.objects.get(key)
        if found is None:
            return _error(request, 404, "NoSuchKey")
        if request.getHeader("if-match") not in (None, f'"{found.etag}"'):
            return _error(request, 412, "PreconditionFailed")
        request.setHeader("ETag", f'"{found.etag}"')
        request.setHeader("Last-Modified", formatdate(found.modified, usegmt=True))
        for name, value in found.headers.items():
            request.setHeader(name, value)
        data = found.data
        if asked := request.getHeader("range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin = int(first)
            end = min(int(last) + 1, len(data)) if last else len(data)
            if begin >= len(data):
                return _error(request, 416, "InvalidRange")
            request.setResponseCode(206)
            request.setHeader("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
            data = data[begin:end]
        request.setHeader("Content-Length", str(len(data)))
        return b"" if request.method == b"HEAD" else data

    def _delete(self, request: Any, key: str) -> bytes:
        self.objects.pop(key, None)
        request.setResponseCode(204)
        return b""

    def _create(self, request: Any, key: str) -> bytes:
        self._count += 1
        upload_id = f"upload/{self._count}"
        self.uploads[upload_id] = Upload(key, _kept(request), time.time())
        tag = "InitiateMultipartUploadResult"
        return f"<{tag}><UploadId>{upload_id}</UploadId></{tag}>".encode()

    def _upload(self, request: Any) -> Upload | None:
        return self.uploads.get(request.args[b"uploadId"][0].decode())

    def _put_part(self, request: Any, key: str) -> bytes:
        upload = self._upload(request)
        if upload is None:
            return _error(request, 404, "NoSuchUpload")
        data = request.content.read()
        upload.parts[int(request.args[b"partNumber"][0])] = data
        request.setHeader("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        return b""

    def _complete(self, request: Any, key: str) -> bytes:
        upload = self._upload(request)
        if upload is None:
            return _error(request, 404, "NoSuchUpload")
        data = b"".join(upload.parts[number] for number in sorted(upload.parts))
        etag = f"{hashlib.md5(data).hexdigest()}-{len(upload.parts)}"
        refusal: bytes | None = self._make(request, key, data, upload.headers, etag)
        if refusal is None:
            del self.uploads[request.args[b"uploadId"][0].decode()]
        return refusal or b"<CompleteMultipartUploadResult/>"

    def _abort(self, request: Any, key: str) -> bytes:
        upload = self._upload(request)
        if upload is None:
            return _error(request, 404, "NoSuchUpload")
        if upload.revivals:
            upload.revivals -= 1
        else:
            del self.uploads[request.args[b"uploadId"][0].decode()]
        request.setResponseCode(204)
        return b""

    def _list_parts(self, request: Any, key: str) -> bytes:
        upload = self._upload(request)
        if upload is None:
            return _error(request, 404, "NoSuchUpload")
        each = "".join(
            f"<Part><PartNumber>{number}</PartNumber>"
            f"<LastModified>{_iso(upload.modified or upload.initiated)}</LastModified>"
            f"<Size>{len(part)}</Size></Part>"
            for number, part in upload.parts.items()
        )
        return f"<ListPartsResult>{each}</ListPartsResult>".encode()

    def _list_uploads(self, request: Any, key: str) -> bytes:
        prefix = request.args[b"prefix"][0].decode()
        after = request.args.get(b"upload-id-marker", [b""])[0].decode()
        found = [
            (upload_id, upload)
            for upload_id, upload in sorted(self.uploads.items())
            if upload.key.startswith(prefix) and upload_id > after
        ]
        each = "".join(
            f"<Upload><Key>{upload.key}</Key><UploadId>{upload_id}</UploadId>"
            f"<Initiated>{_iso(upload.initiated)}</Initiated></Upload>"
            for upload_id, upload in found[: self.page]
        )
        more = "true" if len(found) > self.page else "false"
        return (
            f"<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>{each}"
            "</ListMultipartUploadsResult>"
        ).encode()

    def _list_objects(self, request: Any, key: str) -> bytes:
        prefix = request.args[b"prefix"][0].decode()
        after = request.args.get(b"continuation-token", [b""])[0].decode()
        found = [
            (key, kept)
            for key, kept in sorted(self.objects.items())
            if key.startswith(prefix) and key > after
        ]
        each = "".join(
            f"<Contents><Key>{quote(key)}</Key><Size>{len(kept.data)}</Size>"
            f"<LastModified>{_iso(kept.modified)}</LastModified></Contents>"
            for key, kept in found[: self.page]
        )
        rest = "<IsTruncated>false</IsTruncated>"
        if len(found) > self.page:
            token = found[self.page - 1][0]
            rest = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}"
            rest += "</NextContinuationToken>"
        return (
            f"<ListBucketResult><EncodingType>url</EncodingType>{rest}{each}</ListBucketResult>"
        ).encode()


def cut(request: Any) -> Any:
    """Break off without an answer."""
    request.transport.abortConnection()
    return NOT_DONE_YET


def _kept(request: Any) -> dict[str, str]:
    """The metadata that a request gives to what it makes."""
    return {
        name.decode().lower(): values[0].decode()
        for name, values in request.requestHeaders.getAllRawHeaders()
        if name.lower().startswith(b"x-amz-meta-")
    }


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def _error(request: Any, status: int, code: str) -> bytes:
    request.setResponseCode(status)
    if request.method == b"HEAD" or not code:
        return b""
    return f"<Error><Code>{code}</Code><Message>s3cr3t place</Message></Error>".encode()
