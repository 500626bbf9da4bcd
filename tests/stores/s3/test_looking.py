"""What the store does by itself: it looks after the bucket now and then, and survives all of it."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.web.server import NOT_DONE_YET

from glancetx.errors import StoreForbids
from tests.stores.s3 import fake
from tests.stores.s3.case import SMALL, S3Case

DAY = 86_400


class SweepTests(S3Case):
    """Uploads that were abandoned."""

    def upload(self, key: str, age: float, parts_age: float | None = None) -> None:
        upload = fake.Upload(key, {}, time.time() - age)
        if parts_age is not None:
            upload.parts[1] = b"part"
            upload.modified = time.time() - parts_age
        self.server.uploads[key.replace("/", "-")] = upload

    async def test_sweep(self) -> None:
        """What is old and has not gone on goes; all else stays."""
        store = self.store(running=False, prefix="p", stale=str(DAY))
        self.upload("p/old", DAY + 60)
        self.upload("p/old-parts", 3 * DAY, DAY + 60)
        self.upload("p/new", DAY - 60)
        self.upload("p/goes-on", 3 * DAY, 60)
        self.upload("p/not/an-image", 3 * DAY)
        self.upload("other/old", 3 * DAY)
        self.assertEqual(await store.sweep(), 2)
        self.assertEqual(
            sorted(self.server.uploads), ["other-old", "p-goes-on", "p-new", "p-not-an-image"]
        )

    async def test_pages(self) -> None:
        """A list of several pages is read to its end."""
        store = self.store(running=False, stale=str(DAY))
        self.server.page = 2
        for number in range(5):
            self.upload(f"image{number}", 2 * DAY)
        self.assertEqual(await store.sweep(), 5)
        self.assert_nothing_there()

    async def test_gone_meanwhile(self) -> None:
        """An upload that has ended before we look closer is no trouble."""
        store = self.store(running=False, stale=str(DAY))
        self.upload("image", 2 * DAY)
        self.server.refuse(fake.PARTS, 404, "NoSuchUpload")
        self.assertEqual(await store.sweep(), 0)

    async def test_refused(self) -> None:
        """A server that lets us list nothing says so."""
        self.server.refuse(fake.UPLOADS, 403, "AccessDenied")
        await self.assert_raises(StoreForbids, self.store().sweep())


class LookTests(S3Case):
    """What happens at the start, and once a day."""

    async def look(self, **options: str) -> list[str]:
        """What the log says of the first look."""
        store = self.store(running=False, **options)
        with capturedLogs() as events:
            store.startService()
            self.addCleanup(store.stopService)
            while store._looking is not None:
                await deferLater(reactor, 0.01)
        return [formatEvent(event) for event in events if "bucket" in formatEvent(event)]

    async def test_well(self) -> None:
        """All is well: nothing is said, and what was abandoned goes."""
        self.server.uploads["x"] = fake.Upload("image", {}, 0)
        self.assertEqual(await self.look(stale=str(DAY)), [])
        self.assert_nothing_there()

    async def test_not_swept(self) -> None:
        """When nothing is stale, nothing goes."""
        self.server.uploads["x"] = fake.Upload("image", {}, 0)
        self.assertEqual(await self.look(stale="0"), [])
        self.assertEqual(len(self.server.uploads), 1)

    async def test_no_bucket(self) -> None:
        """A bucket that is not there is told of, and may come to be."""
        self.server.refuse(fake.HEAD_BUCKET, 404)
        self.assertEqual(await self.look(), ["There is no bucket 'images'"])

    async def test_forbidden(self) -> None:
        """So is one that we may not see."""
        self.server.refuse(fake.HEAD_BUCKET, 403)
        said = await self.look()
        self.assertIn("cannot be looked after", said[-1])

    async def test_away(self) -> None:
        """The store starts also when its server is away."""
        url = self.server.url
        await self.server.leave()
        said = await self.look(endpoint=url, attempts="1")
        self.assertEqual(len(said), 1)
        self.assertIn("unavailable", said[0])

    async def test_mistake(self) -> None:
        """A mistake of ours is no reason never to look again."""
        store = self.store(running=False)
        self.patch(store._bucket, "is_there", lambda: 1 / 0)
        store.startService()
        self.addCleanup(store.stopService)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_stopped(self) -> None:
        """Whoever is told to stop does not wait for a server that says nothing."""
        held: Deferred[None] = Deferred()

        def hold(request: Any) -> Any:
            held.callback(None)
            return NOT_DONE_YET

        self.server.fault(fake.HEAD_BUCKET, hold)
        store = self.store(running=False)
        store.startService()
        await held
        await store.stopService()

    async def test_reload(self) -> None:
        """New credentials are used from then on; bad ones change nothing."""
        path = self.mktemp()
        for key in ("one", "two"):
            with open(path, "w") as file:
                file.write(f'aws_access_key_id = "{key}"\naws_secret_access_key = "x"\n')
            if key == "one":
                store = self.store(credentials=path)
            else:
                await store.reload()
            await self.add(store, f"image-{key}", SMALL)
            said = self.server.seen(fake.PUT)[-1]["authorization"]
            self.assertIn(f"Credential={key}/", said)
        with open(path, "w") as file:
            file.write("nonsense")
        with capturedLogs() as events:
            await store.reload()
        self.assertIn("stay as they were", formatEvent(events[-1]))
        await self.add(store, "image-three", SMALL)
        self.assertIn("Credential=two/", self.server.seen(fake.PUT)[-1]["authorization"])
