"""Whatever breaks on the way, an image is whole or leaves nothing, and is read as it was."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.web.server import NOT_DONE_YET

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    DataExists,
    RemoteBroken,
    RemoteChanged,
    StoreForbids,
    StoreUnavailable,
)
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.stores.s3 import fake
from tests.stores.s3.case import CHUNKS, LARGE, SMALL, S3Case

#: All that an upload asks.
SMALL_KINDS = (fake.HEAD, fake.PUT)
LARGE_KINDS = (fake.HEAD, fake.CREATE, fake.PUT_PART, fake.COMPLETE)


def _say(request: Any, text: bytes) -> bytes:
    """Answer by this, whatever was asked."""
    return text


class AgainTests(S3Case):
    """What is tried again."""

    async def test_busy(self) -> None:
        """A server that is busy is asked again, until it is not."""
        store = self.store()
        for kinds, data in ((SMALL_KINDS, SMALL), (LARGE_KINDS, LARGE)):
            for kind in kinds:
                for status, code in ((503, "SlowDown"), (500, ""), (409, "OperationAborted")):
                    if kind is fake.HEAD and status == 409:
                        continue  # which has no code
                    self.server.objects.clear()
                    self.server.refuse(kind, status, code, times=3)
                    await self.add(store, "image", data)
                    self.assertEqual(self.server.objects["image"].data, data)
                    self.assertEqual(self.server.uploads, {})

    async def test_always_busy(self) -> None:
        """One that always is is given up, after so many tries."""
        store = self.store(attempts="2")
        self.server.refuse(fake.PUT, 503, "SlowDown", times=100)
        await self.assert_raises(StoreUnavailable, self.add(store, "image"))
        self.assertEqual(len(self.server.seen(fake.PUT)), 3)

    async def test_cut(self) -> None:
        """A connection that breaks is made again."""
        store = self.store()
        for kinds, data in ((SMALL_KINDS, SMALL), (LARGE_KINDS, LARGE)):
            for kind in kinds:
                self.server.objects.clear()
                self.server.cut(kind, times=2)
                await self.add(store, "image", data)
                self.assertEqual(self.server.objects["image"].data, data)
                self.assertEqual(self.server.uploads, {})

    async def test_lost_answer(self) -> None:
        """Of an answer that got lost it is found out what has become of the request."""
        store = self.store()
        for kinds, data in ((SMALL_KINDS, SMALL), (LARGE_KINDS, LARGE)):
            for kind in kinds:
                self.server.objects.clear()
                self.server.lose(kind, times=2)
                await self.add(store, "image", data)
                self.assertEqual(self.server.objects["image"].data, data)
                self.assertEqual(self.server.uploads, {}, "an upload was begun twice, and left")

    async def test_always_lost(self) -> None:
        """Also when no answer ever comes: what is there is ours."""
        store = self.store(attempts="1")
        for kind, data in ((fake.PUT, SMALL), (fake.COMPLETE, LARGE)):
            self.server.objects.clear()
            self.server.lose(kind, times=100)
            if kind is fake.COMPLETE:
                await self.add(store, "image", data)
                self.assertEqual(self.server.objects["image"].data, data)
            else:
                # Or it is as if it never had been.
                await self.assert_raises(StoreUnavailable, self.add(store, "image", data))
                self.assert_nothing_there()
            self.server.faults.clear()

    async def test_error_after_success(self) -> None:
        """A completion that says 200 and then an error is none."""
        store = self.store()
        self.server.fault(
            fake.COMPLETE, lambda request: b"<Error><Code>InternalError</Code></Error>", times=2
        )
        await self.add(store, "image", LARGE)
        self.assertEqual(self.server.objects["image"].data, LARGE)
        self.server.fault(
            fake.COMPLETE, lambda request: b"<Error><Code>AccessDenied</Code></Error>"
        )
        await self.assert_raises(StoreForbids, self.add(store, "other", LARGE))
        self.assertEqual((list(self.server.objects), self.server.uploads), (["image"], {}))

    async def test_success_without_a_word(self) -> None:
        """Nor is one that says 200 and then nothing, unless the image is there."""
        store = self.store()
        for text in (b"", b"   ", b"<html/>"):
            self.server.fault(fake.COMPLETE, partial(_say, text=text))
            await self.assert_raises(StoreUnavailable, self.add(store, "image", LARGE))
            self.assert_nothing_there()

            def complete(request: Any, text: bytes = text) -> bytes:
                self.server._do(fake.COMPLETE, request)
                return text

            self.server.fault(fake.COMPLETE, complete)
            await self.add(store, "image", LARGE)
            self.assertEqual(self.server.objects.pop("image").data, LARGE)

    async def test_endless_lists(self) -> None:
        """A list whose next page is the same again is no list."""
        store = self.store()
        await self.add(store, "image", LARGE)
        upload = (
            "<Upload><Key>image</Key><UploadId>x</UploadId>"
            "<Initiated>2026-11-25T19:58:01Z</Initiated></Upload>"
        )
        part = (
            "<Part><PartNumber>1</PartNumber><LastModified>2026-11-25T19:58:01Z</LastModified>"
            "</Part>"
        )
        for kind, tag, entry in (
            (fake.UPLOADS, "ListMultipartUploadsResult", upload),
            (fake.PARTS, "ListPartsResult", part),
        ):
            page = f"<{tag}><IsTruncated>true</IsTruncated>{entry}</{tag}>".encode()
            self.server.fault(kind, partial(_say, text=page), times=50)
            self.server.uploads["x"] = fake.Upload("image", {}, 0.0)
            await self.assert_raises(StoreUnavailable, store.discard("image"))
            self.assertEqual(len(self.server.seen(kind)), 2)
            self.server.faults.clear()
            self.server.requests.clear()

    async def test_clock(self) -> None:
        """A clock that is wrong is put right by the server's, once and for all."""
        store = self.store()
        for self.server.skew in (7200.0, -7200.0):
            before = len(self.server.seen(fake.HEAD))
            await self.add(store, f"image{self.server.skew:.0f}")
            await self.add(store, f"image{self.server.skew:.0f}-again")
            # One more than each add needs.
            self.assertEqual(len(self.server.seen(fake.HEAD)) - before, 5)

    async def test_forbidden_by_clock(self) -> None:
        """A refusal that has nothing to do with the clock stays one."""
        store = self.store()
        self.server.refuse(fake.HEAD, 403, "", times=1)
        await self.assert_raises(StoreForbids, self.add(store, "image"))
        self.assertEqual(len(self.server.seen(fake.HEAD)), 1)

    async def test_wrong_bytes(self) -> None:
        """A server that has other bytes than it was sent has not kept the image."""
        store = self.store()

        def lie(request: Any) -> bytes:
            self.server._do(fake.PUT, request)
            request.setHeader("ETag", '"%s"' % ("0" * 32))
            return b""

        self.server.fault(fake.PUT, lie)
        await self.assert_raises(StoreUnavailable, self.add(store, "image"))
        self.assert_nothing_there()

    async def test_other_etags(self) -> None:
        """An ETag that is no MD5 says nothing."""
        store = self.store()

        def encrypt(request: Any) -> bytes:
            self.server._do(fake.PUT, request)
            request.setHeader("ETag", '"%s"' % ("0" * 32))
            request.setHeader("x-amz-server-side-encryption", "aws:kms")
            return b""

        self.server.fault(fake.PUT, encrypt)
        await self.add(store, "image")

    async def test_strange_documents(self) -> None:
        """An answer that makes no sense is as good as none."""
        self.server.fault(fake.CREATE, lambda request: b"hello")
        await self.assert_raises(StoreUnavailable, self.add(self.store(), "image", LARGE))
        self.assert_nothing_there()


class UndoTests(S3Case):
    """What becomes of what was begun."""

    async def test_parts_come_back(self) -> None:
        """An upload is aborted until it is gone."""
        store = self.store()

        def revive(request: Any) -> bytes:
            self.server._do(fake.PUT_PART, request)
            for upload in self.server.uploads.values():
                upload.revivals = 3
            return fake._error(request, 403, "AccessDenied")

        self.server.fault(fake.PUT_PART, revive)
        await self.assert_raises(StoreForbids, self.add(store, "image", LARGE))
        self.assert_nothing_there()
        self.assertEqual(len(self.server.seen(fake.ABORT)), 4)

    async def test_cannot_be_undone(self) -> None:
        """When something is left, whoever hears of it knows, and can discard it later."""
        store = self.store(attempts="1")
        for kind, data in ((fake.PUT, SMALL), (fake.PUT_PART, LARGE)):

            def deafen(request: Any, kind: str = kind) -> Any:
                self.server._do(kind, request)
                for other in (fake.HEAD, fake.ABORT):
                    self.server.cut(other, times=100)
                return fake.cut(request)

            self.server.fault(kind, deafen, times=100)
            await self.assert_raises(StoreUnavailable, self.add(store, "image", data))
            self.assertNotEqual((self.server.objects, self.server.uploads), ({}, {}))
            self.server.faults.clear()
            await store.discard("image")
            self.assert_nothing_there()

    async def test_undoing_is_refused(self) -> None:
        """So it is when the server refuses to let it be undone: that does not say all is clean."""
        store = self.store(attempts="1")
        for kind, data in ((fake.PUT, SMALL), (fake.PUT_PART, LARGE)):

            def revoke(request: Any, kind: str = kind) -> Any:
                self.server._do(kind, request)
                for other in (fake.HEAD, fake.ABORT):
                    self.server.refuse(other, 403, "AccessDenied", times=100)
                return fake._error(request, 403, "AccessDenied")

            self.server.fault(kind, revoke)
            await self.assert_raises(StoreUnavailable, self.add(store, "image", data))
            self.assertNotEqual((self.server.objects, self.server.uploads), ({}, {}))
            self.server.faults.clear()
            await store.discard("image")

    async def test_cancelled_at_the_end(self) -> None:
        """Also who leaves while a lost upload is looked for leaves nothing."""
        store = self.store()
        held: Deferred[Any] = Deferred()
        self.server.lose(fake.CREATE)
        self.server.fault(fake.UPLOADS, partial(self._hold, held=held))
        adding = as_deferred(self.add(store, "image", LARGE))
        request = await held
        adding.cancel()
        request.write(self.server._do(fake.UPLOADS, request))
        request.finish()
        await self.assert_raises(CancelledError, adding)
        self.assert_nothing_there()

    async def test_cancelled(self) -> None:
        """An add that is cancelled while the server works leaves nothing, whatever it works at."""
        store = self.store()
        for kinds, data in ((SMALL_KINDS, SMALL), (LARGE_KINDS, LARGE)):
            for kind in kinds:
                held: Deferred[Any] = Deferred()
                self.server.fault(kind, partial(self._hold, held=held))
                adding = as_deferred(self.add(store, "image", data))
                request = await held
                adding.cancel()
                if kind in (fake.PUT, fake.CREATE, fake.COMPLETE):
                    self.assertNoResult(adding)  # for nobody knows what comes of it
                    # The server does it in the end.
                    request.write(self.server._do(kind, request))
                    request.finish()
                await self.assert_raises(CancelledError, adding)
                self.assert_nothing_there()

    def _hold(self, request: Any, held: Deferred[Any]) -> Any:
        held.callback(request)
        return NOT_DONE_YET

    async def test_source_fails_late(self) -> None:
        """A source that breaks after some parts leaves none of them."""
        error = BodyCutShort()
        source = ScriptedStream(CHUNKS, then=error)
        raised = await self.assert_raises(BodyCutShort, self.store().add("image", source))
        self.assertIs(raised, error)
        self.assertEqual(len(self.server.seen(fake.PUT_PART)), 2)
        self.assert_nothing_there()

    async def test_lost_uploads_stay(self) -> None:
        """An image that is whole is not given up because an upload beside it cannot be found."""
        store = self.store(attempts="1")
        self.server.lose(fake.CREATE)
        self.server.cut(fake.UPLOADS, times=100)
        await self.add(store, "image", LARGE)
        self.assertEqual(len(self.server.uploads), 1)
        self.server.faults.clear()
        await store.discard("image")
        self.assert_nothing_there()

    async def test_turns_end(self) -> None:
        """Of whoever is done nothing is remembered."""
        store = self.store()
        source = ScriptedStream([SMALL], then=HANG)
        adds = [as_deferred(store.add("image", source)), as_deferred(self.add(store, "image"))]
        await adds[1]
        source.finish()
        await self.assert_raises(DataExists, adds[0])
        self.assertEqual(len(store._turns), 0)


class ResumingTests(S3Case):
    """A download whose connection breaks."""

    async def begin(self) -> Any:
        """A store with an image whose first download breaks after half of it."""
        store = self.store()
        await self.add(store, "image", LARGE)
        self.server.fault(fake.GET, self._break)
        return store

    def _break(self, request: Any) -> Any:
        body = self.server._do(fake.GET, request)
        request.write(body[: len(body) // 2])
        request.channel.loseConnection()
        return NOT_DONE_YET

    async def test_goes_on(self) -> None:
        """It goes on where it broke, and the reader sees nothing of it."""
        store = await self.begin()
        self.assertEqual(await self.read(store, "image"), LARGE)
        again = self.server.seen(fake.GET)[-1]
        self.assertEqual(again["if-match"], f'"{self.server.objects["image"].etag}"')
        self.assertTrue(again["range"].startswith("bytes="))

    async def test_range_goes_on(self) -> None:
        """A range too."""
        store = await self.begin()
        self.assertEqual(await self.read(store, "image", 1000, 150_000), LARGE[1000:151_000])

    async def test_busy_meanwhile(self) -> None:
        """Also when the server is busy, or breaks off again."""
        store = await self.begin()
        self.server.refuse(fake.GET, 503, "SlowDown")
        self.server.cut(fake.GET)
        self.assertEqual(await self.read(store, "image"), LARGE)

    async def test_changed(self) -> None:
        """Never does it go on with other bytes."""
        store = await self.begin()
        stream = await store.open("image")
        self.server.objects["image"].etag = "other"
        await self.assert_raises(RemoteChanged, stream.flow_to(RecordingConsumer()))

    async def test_gone(self) -> None:
        """Nor does a part end as if it were whole."""
        for status, code, error in (
            (404, "NoSuchKey", StoreUnavailable),
            (403, "AccessDenied", StoreForbids),
        ):
            store = await self.begin()
            stream = await store.open("image")
            self.server.refuse(fake.GET, status, code)
            await self.assert_raises(error, stream.flow_to(RecordingConsumer()))
            self.server.objects.clear()

    async def test_no_way_on(self) -> None:
        """Without an ETag nobody knows what is the same: then it breaks off."""
        store = await self.begin()
        self.server.faults.clear()
        self.server.fault(fake.GET, self._break_without_etag)
        stream = await store.open("image")
        await self.assert_raises(RemoteBroken, stream.flow_to(RecordingConsumer()))

    def _break_without_etag(self, request: Any) -> Any:
        body = self.server._do(fake.GET, request)
        request.responseHeaders.removeHeader("ETag")
        request.write(body[: len(body) // 2])
        request.channel.loseConnection()
        return NOT_DONE_YET


class StubbornTests(S3Case):
    """A server on which an upload never goes."""

    async def test_always_comes_back(self) -> None:
        """It is given up after some tries, and left to whoever comes later."""
        store = self.store(attempts="2")
        self.server.uploads["x"] = fake.Upload("image", {}, 0, revivals=100)
        await self.assert_raises(StoreUnavailable, store.discard("image"))
        self.assertEqual(len(self.server.seen(fake.ABORT)), 3)
