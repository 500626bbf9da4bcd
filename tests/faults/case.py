"""What is asked of every store whose connections break."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from glancetx.deferreds import as_deferred
from tests.faults.chance import LARGEST, Fault, draw
from tests.integration.daemon import eventually, folder, reactor, start
from tests.services import FaultProxy
from tests.transfers.backend import Backend
from tests.transfers.wire import Content, Received, download, upload

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

SEED = int(os.environ.get("GLANCE_FAULT_SEED") or time.time_ns() % 10**9)
ROUNDS = int(os.environ.get("GLANCE_FAULT_ROUNDS") or 100)

#: What a client sees of a transfer that broke off.
BROKEN = (OSError, HTTPException)

#: Whoever did not clear up is soon taken for dead.
CONFIG = "transfer_lease = 3\n"

#: So that a round takes seconds.
QUICK = ":connect=5:head=5:idle=5:attempts=3"


class FaultCase(TestCase):
    """Between the daemon and the server of its store there is a proxy that makes faults."""

    timeout = 3600.0

    def make_backend(self) -> Backend:
        """Where images go; in a thread."""
        raise NotImplementedError

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self) -> None:
        self.backend = await deferToThread(self.make_backend)
        self.addCleanup(deferToThread, self.backend.remove)
        self.proxy = FaultProxy(self.backend.url)
        await deferToThread(self.proxy.start)
        self.addCleanup(deferToThread, self.proxy.stop)
        config = folder(self) / "glance.toml"
        config.write_text(CONFIG)
        store = self.backend.store(self.proxy.url) + QUICK
        options = ["--registry", "memory:", "--config", config, "--store", store]
        self.daemon = await start(self, *options)
        self.chance = random.Random(f"{SEED} {self.id()}")
        self.outcomes: Counter[str] = Counter()
        print(f"GLANCE_FAULT_SEED={SEED} GLANCE_FAULT_ROUNDS={ROUNDS}", flush=True)

    async def test_uploads(self) -> None:
        """An upload ends whole, or is refused and leaves nothing on the server."""
        history = [await self.one_upload() for _ in range(ROUNDS)]
        try:
            await eventually(lambda: self.is_empty(), patience=180)
        except AssertionError:
            left = await deferToThread(self.backend.names)
            raise AssertionError("\n".join([*map(str, left), "were left by", *history])) from None
        self.end()

    async def one_upload(self) -> str:
        """Upload once under faults, and what came of it; a whole image is deleted again."""
        image_id = await self.daemon.reserve()
        content = Content(self.chance.randrange(LARGEST), self.chance.randrange(1 << 30))
        announced = self.chance.choice([True, False])
        fault = draw(self.chance, "up")
        outcome = await self.under(
            fault, upload, self.daemon.port, image_id, content, announced=announced
        )
        told = f"{image_id}: {content.size} bytes, {announced=}, {fault}: {outcome}"
        status = await self.daemon.status_of(image_id)
        if outcome == 200:
            received = await deferToThread(download, self.daemon.port, image_id)
            self.assertEqual(received, Received(200, content.size, content.md5), told)
            answer = await self.daemon.ask("DELETE", f"/v1/images/{image_id}")
            self.assertEqual(answer.status, 200, told)
        elif status != "killed":
            await self.daemon.becomes(image_id, "killed")
        self.outcomes["whole" if outcome == 200 else "refused"] += 1
        return told

    async def test_downloads(self) -> None:
        """A download brings the right bytes, or visibly breaks off."""
        image_id, whole = await self.uploaded()
        for _ in range(ROUNDS):
            fault = draw(self.chance, "down")
            outcome = await self.under(fault, download, self.daemon.port, image_id)
            if isinstance(outcome, Received) and outcome.status == 200:
                self.assertEqual(outcome, whole, fault)
                self.outcomes["whole"] += 1
            else:
                self.outcomes["broken" if isinstance(outcome, Exception) else "refused"] += 1
        self.end()

    async def test_resumed(self) -> None:
        """A client does not notice that a connection to the server breaks in the middle."""
        image_id, whole = await self.uploaded()
        for way in ("close_after", "reset_after"):
            for _ in range(3):
                # The next connection has less than this to bring.
                position = self.chance.randrange(LARGEST // 2, LARGEST)
                await deferToThread(self.proxy.disturb, "down", **{way: position})
                received = await deferToThread(download, self.daemon.port, image_id)
                self.assertEqual(received, whole, f"{way}={position}")
                await deferToThread(self.proxy.clear)

    async def uploaded(self) -> tuple[str, Received]:
        """The id of a large image, and what whoever gets it should receive."""
        image_id, content = await self.daemon.reserve(), Content(LARGEST, SEED)
        status = await deferToThread(upload, self.daemon.port, image_id, content)
        self.assertEqual(status, 200)
        return image_id, Received(200, content.size, content.md5)

    async def under(self, fault: Fault, transfer: Any, *arguments: Any, **named: Any) -> Any:
        """What a transfer returns or how it breaks, in a thread; afterwards there are no faults."""
        await deferToThread(fault.begin, self.proxy)
        over = None
        if fault.lasts is not None:
            over = reactor.callLater(fault.lasts, reactor.callInThread, self.proxy.clear)
        try:
            return await deferToThread(transfer, *arguments, **named)
        except BROKEN as error:
            return error
        finally:
            if over is not None and over.active():
                over.cancel()
            await deferToThread(self.proxy.clear)

    async def is_empty(self) -> bool:
        """Whether nothing lies on the server."""
        return not await as_deferred(deferToThread(self.backend.names))

    def end(self) -> None:
        """Tell what came of it, and look whether the daemon has taken it well."""
        print(f"{self.id()}: {dict(self.outcomes)}")
        self.daemon.assert_quiet()
