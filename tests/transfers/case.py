"""What is asked of every store that keeps images on a server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from tests.integration.daemon import start
from tests.transfers.backend import Backend
from tests.transfers.wire import MIB, Content, Received, download, upload

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

SIZE = int(os.environ.get("GLANCE_TRANSFER_SIZE") or 4096 * MIB)


class TransferCase(TestCase):
    """An image as large as `SIZE` goes in and comes out, in bounded memory."""

    timeout = 3600.0

    def make_backend(self) -> Backend:
        """Where images go; in a thread."""
        raise NotImplementedError

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self) -> None:
        self.backend = await deferToThread(self.make_backend)
        self.addCleanup(deferToThread, self.backend.remove)
        store = self.backend.store(self.backend.url)
        self.daemon = await start(self, "--registry", "memory:", "--store", store)
        self.daemon.forget_memory()
        self.idle = self.daemon.memory()

    async def test_known_size(self) -> None:
        """The client announces the size."""
        await self.go_and_come(announced=True)

    async def test_unknown_size(self) -> None:
        """The client sends in chunks, and nobody knows how many before the last."""
        await self.go_and_come(announced=False)

    async def go_and_come(self, *, announced: bool) -> None:
        image_id = await self.daemon.reserve()
        content = Content(SIZE)
        status = await deferToThread(
            upload, self.daemon.port, image_id, content, announced=announced
        )
        self.assertEqual(status, 200, self.daemon.log)
        after_upload = self.daemon.memory() - self.idle
        self.daemon.forget_memory()
        received = await deferToThread(download, self.daemon.port, image_id)
        self.assertEqual(received, Received(200, SIZE, content.md5))
        after_download = self.daemon.memory() - self.idle
        print(
            f"{SIZE / MIB:.0f} MiB, VmHWM idle {self.idle / MIB:.0f} MiB, up "
            f"+{after_upload / MIB:.0f} MiB, down +{after_download / MIB:.0f} MiB"
        )
        self.assertLess(max(after_upload, after_download), self.backend.memory)
        answer = await self.daemon.ask("DELETE", f"/v1/images/{image_id}")
        self.assertEqual(answer.status, 200, self.daemon.log)
        self.assertEqual(await deferToThread(self.backend.names), [])
        self.daemon.assert_quiet()
