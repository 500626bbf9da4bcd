"""What a backup holds is there when it is restored elsewhere, whatever happened meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from glancetx.registry.programs import programs_for
from tests.haproxy.load import Client, Ledger
from tests.integration.daemon import Daemon, ask, folder, reactor, start
from tests.load.content import md5
from tests.load.crowd import in_threads

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "deploying.md"

#: Seconds of load before the backup, and after it.
BEFORE, AFTER = 3, 2

CLIENTS = 4

#: Seconds after which an upload that was running when the backup was made is given up.
LEASE = 10


class BackupTests(TestCase):
    """An embedded registry and a file store."""

    timeout = 300

    async def test_restore_elsewhere(self) -> None:
        """The registry first, then the store: what was acknowledged before the backup is in it."""
        place = folder(self)
        config = ("--config", place / "glance.toml")
        config[1].write_text(f"transfer_lease = {LEASE}\n")
        daemon = await start(self, *config)
        ledger = Ledger()
        clients = [Client(f"backup/{n}", daemon.port, ledger) for n in range(CLIENTS)]
        ended = in_threads(self, clients)
        try:
            await deferLater(reactor, BEFORE)
            _, upload = await daemon.begun_upload(size=4 << 20)
            acknowledged = dict(ledger.images)
            await self.run_as_written("pg_dump", daemon.data, place)
            deleted = await self.delete_some(daemon, ledger)
            await self.run_as_written("rsync", daemon.data, place)
            await deferLater(reactor, AFTER)
            upload.close()
        finally:
            for client in clients:
                client.is_over = True
            await ended
        self.assertEqual(ledger.failures, [])
        self.assertEqual(await daemon.stop(), 0)

        restored = await self.restore(place, *config)
        found = await self.judge(restored, acknowledged, deleted)
        print(f"{len(acknowledged)} images were acknowledged before the backup, {found} are there")
        daemon.assert_quiet()
        restored.assert_quiet()

    async def delete_some(self, daemon: Daemon, ledger: Ledger) -> set[str]:
        """Images whose bytes go between the two halves of the backup."""
        with ledger.lock:
            some = list(ledger.images)[:3]
            for image_id in some:
                del ledger.images[image_id]
        # Clients that have just chosen one of them get it first.
        await deferLater(reactor, 1)
        for image_id in some:
            answer = await daemon.ask("DELETE", f"/v1/images/{image_id}")
            self.assertEqual(answer.status, 200)
        return set(some)

    async def restore(self, place: Path, *options: Any) -> Daemon:
        """An installation elsewhere, from the backup alone."""
        data = place / "data"
        (place / "images").rename(place / "restored")
        store = f"file:{place / 'restored'}"
        daemon: Daemon = await start(self, *options, "--store", store, data=data)
        await self.run_as_written("psql", data, place)
        return daemon

    async def judge(self, daemon: Daemon, acknowledged: dict[str, str], deleted: set[str]) -> int:
        """How many of the images that were acknowledged before the backup are there."""
        for image_id, digest in acknowledged.items():
            answer = await deferToThread(ask, daemon.port, "GET", f"/v1/images/{image_id}")
            if image_id in deleted:
                self.assertNotEqual(answer.status, 200)
            else:
                self.assertEqual((answer.status, md5(answer.body)), (200, digest), image_id)
        page = await daemon.ask("GET", "/v1/images?is_public=None&status=saving&limit=1000")
        for image in page.json["images"]:
            await daemon.becomes(image["id"], "killed")
        return len(acknowledged.keys() - deleted)

    async def run_as_written(self, program: str, data: Path, place: Path) -> None:
        """Run the command of the documentation, with other places in it."""
        [command] = re.findall(rf"^(?:\$BIN/)?{program} .*$", DOCUMENT.read_text(), re.MULTILINE)
        for old, new in (
            ("/var/lib/glancetx/images/", f"{data}/images/"),
            ("/var/lib/glancetx/", f"{data}/"),
            ("backup:/images/", f"{place}/images/"),
            ("registry.sql", f"{place}/registry.sql"),
        ):
            command = command.replace(old, new)
        environment = {**os.environ, "BIN": str(programs_for(None))}
        said = await deferToThread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", command],
            env=environment,
            capture_output=True,
            text=True,
        )
        self.assertEqual((said.returncode, said.stderr), (0, ""), command)
