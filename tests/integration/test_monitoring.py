"""What a daemon tells of itself while it works, and while it does not."""

import os
import signal
import socket
import struct
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.integration.daemon import eventually, postgres_of
from tests.integration.test_registry_restart import children_of
from tests.metrics.traffic import (
    HOSTILE,
    create,
    numbers,
    readiness,
    records,
    start_watched,
    traffic,
)

SIZE = 100_000

BYTES_IN = "glancetx_transfer_bytes_total{direction=in,store=file}"
BYTES_OUT = "glancetx_transfer_bytes_total{direction=out,store=file}"
CREATED = "glancetx_http_requests_total{method=POST,route=/v1/images,status=201}"


def total(found, name):
    """The sum of all series of a metric."""
    return sum(value for key, value in found.items() if key.startswith(name + "{"))


def went_back(before, after):
    """Counts that are smaller than they were."""
    counts = ("_total{", "_bucket{", "_count{")
    return {
        key
        for key, value in before.items()
        if any(each in key for each in counts) and after.get(key, 0) < value
    }


class WorkersTests(TestCase):
    """Two workers, of whom one is killed; then the registry is frozen."""

    timeout = 240

    async def test_seen(self):
        """Numbers add up, survive, and are told whatever hangs; each line tells its request."""
        daemon, port = await start_watched(self, "--workers", "2")
        answers = await traffic(daemon, rounds=6, size=SIZE)
        await self.check_sums(daemon, port, answers)
        await self.check_kill(daemon, port)
        await self.check_frozen(daemon, port)
        self.assertEqual(await daemon.stop(), 0)
        self.check_log(daemon, answers)

    async def check_sums(self, daemon, port, answers):
        """Both have answered, and every request and byte is told once."""
        found = await numbers(port)
        self.assertEqual(found["glancetx_workers{state=serving}"], 2)
        self.assertEqual(total(found, "glancetx_http_requests_total"), len(answers))
        durations = "glancetx_http_request_duration_seconds_count"
        self.assertEqual(total(found, durations), len(answers))
        self.assertEqual((found[CREATED], found[BYTES_IN]), (6, 6 * SIZE))
        self.assertEqual(found[BYTES_OUT], 6 * SIZE)
        self.assertEqual(found["glancetx_transfers_total{direction=in,outcome=done,store=file}"], 6)
        self.assertEqual(total(found, "glancetx_transfers_in_flight"), 0)
        self.assertGreaterEqual(total(found, "glancetx_errors_total"), 6)
        self.assertGreater(found["glancetx_database_connections{state=idle}"], 0)
        routes = {key for key in found if key.startswith("glancetx_http_requests_total")}
        self.assertFalse({key for key in routes if "passwd" in key or "HACK" in key}, routes)
        self.assertEqual((await readiness(port))[0], 200)

    async def check_kill(self, daemon, port):
        """What a worker has counted stays; its successor adds to it."""
        before = await numbers(port)
        victim = daemon.workers()[0]
        os.kill(victim, signal.SIGKILL)
        await daemon.says("died of signal 9")
        self.assertEqual(went_back(before, await numbers(port)), set())
        await eventually(lambda: len(set(daemon.workers()) - {victim}) == 2)
        self.assertEqual((await create(daemon, bytes(SIZE))).status, 201)
        await eventually(lambda: self.serving(port))
        after = await numbers(port)
        self.assertEqual(went_back(before, after), set())
        self.assertEqual((after[CREATED], after[BYTES_IN]), (7, 7 * SIZE))

    async def serving(self, port):
        return (await numbers(port))["glancetx_workers{state=serving}"] == 2

    async def check_frozen(self, daemon, port):
        """The registry stands still: who is alive says so, and who cannot serve."""
        parent = postgres_of(daemon.data)
        frozen = [parent, *children_of(parent)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = await daemon.ask("GET", "/healthcheck")
            self.assertEqual((answer.status, answer.body), (200, b"OK"))
            # A worker that is slow to answer is one that nobody knows anything of.
            await eventually(lambda: self.is_registry_missed(port))
            self.assertEqual((await numbers(port))["glancetx_workers{state=serving}"], 2)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        await eventually(lambda: self.is_ready(port, True))

    async def is_ready(self, port, expected):
        return (await readiness(port))[1]["ready"] is expected

    async def is_registry_missed(self, port):
        """Whether of all that the daemon needs the registry alone is not there."""
        status, document = await readiness(port)
        needed = document["dependencies"]
        missed = {name for name, each in needed.items() if not each["ready"]}
        return status == 503 and "store file" in needed and missed == {"registry"}

    def check_log(self, daemon, answers):
        """All lines are JSON, and each request that had an id has it in its line."""
        log = records(daemon)
        lines = [each for each in log if each["namespace"] == "glancetx.access"]
        told = {each.get("request_id") for each in lines}
        ids = {each.headers.get("x-openstack-request-id") for each in answers} - {None}
        self.assertGreater(len(ids), 30)
        self.assertLessEqual(ids, told)
        self.assertEqual({each["worker"] for each in lines}, {1, 2})
        self.assertFalse([each for each in log if "traceback" in each])
        self.assertGreaterEqual(len(lines), len(answers))
        self.assertTrue({path for _, path in HOSTILE} & {each["path"] for each in lines})


class OneProcessTests(TestCase):
    """A daemon of one process."""

    timeout = 120

    async def test_seen(self):
        """It tells of what is under way, of what breaks, and of a store that is gone."""
        options = ("--workers", "1", "--registry", "memory:")
        daemon, port = await start_watched(self, *options)
        image_id, connection = await daemon.begun_upload(size=4 << 20)
        await eventually(lambda: self.has_come(port, 2 << 20))
        found = await numbers(port)
        self.assertEqual(found["glancetx_transfers_in_flight{direction=in,store=file}"], 1)
        self.assertEqual(found["glancetx_leases_held{}"], 1)
        self.assertEqual(found["glancetx_images{status=saving}"], 1)
        # Not in order: an end of what is sent would be answered.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        await daemon.becomes(image_id, "killed")
        found = await numbers(port)
        aborted = "glancetx_http_requests_aborted_total{route=/v1/images/{image_id}}"
        self.assertEqual((found["glancetx_leases_held{}"], found[aborted]), (0, 1))
        images = Path(daemon.data, "images")
        images.rename(images.with_name("elsewhere"))
        images.write_text("no directory")
        await eventually(lambda: self.is_lost(port))
        self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 200)
        self.assertEqual(await daemon.stop(), 0)
        cut = [each for each in records(daemon) if each.get("is_whole") is False]
        self.assertEqual([each["path"] for each in cut], [f"/v1/images/{image_id}"])

    async def has_come(self, port, size):
        return (await numbers(port)).get(BYTES_IN) == size

    async def is_lost(self, port):
        status, document = await readiness(port)
        return (status, document["dependencies"]["store file"]["ready"]) == (503, False)
