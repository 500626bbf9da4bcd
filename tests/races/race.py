"""Everything at once, for a while; then all is as the clients were told, and nothing is left."""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from glancetx.stores.file_tree import key_of
from tests.integration.daemon import ask, eventually, reactor
from tests.races.clients import Client
from tests.races.cluster import LEASE, QUOTA, Cluster
from tests.races.content import md5, source
from tests.races.model import Model
from tests.races.watch import Watch

SECONDS = float(os.environ.get("GLANCE_RACE_SECONDS", 60))
SEED = int(os.environ.get("GLANCE_RACE_SEED", time.time_ns() % 10**9))
CLIENTS = 8

#: Seconds between two things that happen to the daemons.
CALM = 4

#: Seconds until everything is at rest: what a janitor held when it was killed waits for a minute.
REST = 120


class RaceTests(TestCase):
    """R11, R12: no bytes are left, none are lost, and no quota is passed, whatever happens."""

    timeout = SECONDS + 300

    async def test_race(self):
        """Two daemons, many clients, kills, sleeps and scrubs."""
        print(f"GLANCE_RACE_SEED={SEED} GLANCE_RACE_SECONDS={SECONDS:g}", flush=True)
        self.model = Model()
        self.cluster = await Cluster.start(self, self.model)
        self.watch = Watch(self.cluster.dsn, self.cluster.images, QUOTA, self.model, LEASE / 3)
        self.watch.begin()
        clients = self.clients()
        ended = self.begin(clients)
        try:
            await self.disturb(random.Random(SEED))
        finally:
            for client in clients:
                client.is_over = True
            await ended
            await self.come_to_rest()
            self.watch.end()
        await self.judge()
        self.report()
        self.judge_logs()
        if faults := [fault.text for fault in self.model.faults]:
            self.tell_of_leases()
            self.fail("\n".join([f"{len(faults)} faults, the first ones:", *faults[:30]]))

    def clients(self):
        """Clients that know both daemons."""
        url = source(self).url
        return [
            Client(f"client{number}", f"{SEED}/{number}", self.cluster.ports, url, self.model)
            for number in range(CLIENTS)
        ]

    def begin(self, clients):
        """Fires when all clients have ended, some time after they were told."""
        pool: Any = ThreadPool(CLIENTS, CLIENTS)
        # Whoever interrupts the race does not wait for clients who never heard of it.
        pool.threadFactory = partial(Thread, daemon=True)
        pool.start()
        self.addCleanup(pool.stop)
        return gatherResults(
            [deferToThreadPool(reactor, pool, client.run) for client in clients],
            consumeErrors=True,
        )

    async def disturb(self, chance):
        """Let one thing after the other happen to the daemons until the time is over."""
        cluster, deadline = self.cluster, reactor.seconds() + SECONDS
        deeds = {
            lambda: cluster.kill(chance.randrange(2)): 2,
            lambda: cluster.stop_for_a_while(chance.randrange(2)): 2,
            self.scrub: 3,
            lambda: self.withdraw(chance): 2,
        }
        while reactor.seconds() + CALM < deadline:
            await deferLater(reactor, CALM * chance.random())
            [deed] = chance.choices(list(deeds), list(deeds.values()))
            await deed()
        await deferLater(reactor, max(0, deadline - reactor.seconds()))

    async def scrub(self):
        """Scrub by hand, while janitors do the same."""
        said = await self.cluster.command("scrub")
        self.model.counts["scrubbed by hand"] += len(said["scrubbed"])
        if said["failed"]:
            self.model.fault(f"could not be scrubbed: {said['failed'][:5]}")

    async def withdraw(self, chance):
        """Withdraw an image from use, and give it back."""
        with self.model.lock:
            kept = [s for s in self.model.stories.values() if s.kept and not s.deleters]
        if not kept:
            return
        story = chance.choice(kept)
        try:
            await self.cluster.command("deactivate", story.image_id)
            await self.cluster.command("reactivate", story.image_id)
            self.model.counts["withdrawn"] += 1
        except Exception as error:  # noqa: BLE001 - it is told with all else that went wrong
            if not story.deleters:
                self.model.fault(f"{story.image_id} could not be withdrawn: {error}")

    async def come_to_rest(self):
        """Wait until nobody has anything left to do."""
        began = reactor.seconds()
        try:
            await eventually(lambda: all(row.is_at_rest for row in self.watch.rows()), REST)
        except AssertionError:
            restless = [row for row in self.watch.rows() if not row.is_at_rest]
            self.model.fault(f"no rest after {REST} s: {restless[:5]}")
        print(f"at rest after {reactor.seconds() - began:.1f} s", flush=True)

    async def judge(self):
        """Compare rows, files and downloads with the model."""
        rows = {row.image_id: row for row in self.watch.rows()}
        self.judge_files(rows.values())
        for story in list(self.model.stories.values()):
            row = rows.get(story.image_id)
            if row is None:
                if story.is_made:
                    self.model.fault(f"{story.image_id} was acknowledged and is unknown")
                continue
            self.judge_row(story, row)
            if row.status == "active":
                await self.judge_bytes(story, row)
            elif row.status == "deleted":
                await self.judge_absence(row)
        self.statuses = Counter(row.status for row in rows.values())
        self.reasons = Counter(
            re.sub(r"\(.*?\)", "(…)", row.reason or "")
            for row in rows.values()
            if row.status == "killed"
        )
        await self.judge_members(rows)

    def judge_files(self, rows):
        """What lies in the store is what records tell of, and no more."""
        recorded = {
            each["key"]: row.size
            for row in rows
            for each in row.locations
            if each["store"] == "file"
        }
        lying = {path: status.st_size for path, status in self.watch.files().items()}
        if left := sorted(lying.keys() - recorded.keys()):
            self.model.fault(f"{len(left)} files belong to nobody: {left[:5]}")
        if lost := sorted(recorded.keys() - lying.keys()):
            self.model.fault(f"{len(lost)} files are lost: {lost[:5]}")
        if other := [path for path in lying if recorded.get(path, lying[path]) != lying[path]]:
            self.model.fault(
                f"{len(other)} files have another size than their records: {other[:5]}"
            )

    def judge_row(self, story, row):
        """The record is what the last one who changed it was told."""
        fault = self.model.fault
        if story.is_deleted and row.status != "deleted":
            fault(f"{row.image_id} was deleted, and is {row.status}")
        if row.status == "deleted":
            if not story.deleters:
                fault(f"{row.image_id} is deleted, and nobody wanted that")
            if row.properties or row.locations:
                fault(f"{row.image_id} is deleted, and not empty: {row}")
            return
        if story.kept and row.status != "active":
            fault(f"{row.image_id} was acknowledged, and is {row.status}: {row.reason}")
        if row.status == "killed" and (not row.reason or row.locations):
            fault(f"{row.image_id} was killed without a reason, or has locations: {row}")
        if row.status == "killed" and story.has_whole_source and "remote" in row.reason:
            fault(f"{row.image_id} was not copied from a source that works: {row.reason}")
        if row.status == "active" and row.size and row.locations[0]["key"] != key_of(row.image_id):
            fault(f"{row.image_id} lies elsewhere: {row.locations}")
        for name, marks in story.marks.items():
            if not marks.may_be(row.properties.get(name)):
                found = row.properties.get(name)
                fault(f"{row.image_id} has {name}={found}, and {marks} were written")

    async def judge_bytes(self, story, row):
        """What comes has the right MD5, from either daemon."""
        for port in self.cluster.ports:
            answer = await deferToThread(ask, port, "GET", f"/v1/images/{row.image_id}")
            digest = md5(answer.body)
            expected = {story.kept} if story.kept else story.offered
            if answer.status != 200 or digest not in expected or digest != row.checksum:
                self.model.fault(
                    f"{row.image_id} came with {answer.status} as {digest}, "
                    f"its record says {row.checksum}, clients say {expected}"
                )

    async def judge_absence(self, row):
        """Nobody gets what is deleted."""
        port = self.cluster.ports[0]
        answer = await deferToThread(ask, port, "GET", f"/v1/images/{row.image_id}")
        if answer.status != 404:
            self.model.fault(f"{row.image_id} is deleted, and its bytes come with {answer.status}")

    async def judge_members(self, rows):
        """Those are members who were told so, and nobody of images that are gone."""
        for client in range(CLIENTS):
            member = f"client{client}"
            path, port = f"/v1/shared-images/{member}", self.cluster.ports[client % 2]
            answer = await deferToThread(ask, port, "GET", path)
            shared = {each["image_id"] for each in answer.json["shared_images"]}
            for image_id, story in self.model.stories.items():
                is_gone = image_id not in rows or rows[image_id].status == "deleted"
                expected = False if is_gone else story.members.get(member, False)
                if expected is not None and expected is not (image_id in shared):
                    self.model.fault(f"{member} is a member of {image_id}: {not expected}")

    def judge_logs(self):
        """No log, also of those who were killed, shows a traceback."""
        for daemon in [*self.cluster.gone, *self.cluster.daemons]:
            try:
                daemon.assert_quiet()
            except AssertionError as error:
                self.model.fault(f"a log is not quiet: {error}")

    def tell_of_leases(self):
        """What daemons said of leases and of the registry, for whoever looks for a fault."""
        for daemon in [*self.cluster.gone, *self.cluster.daemons]:
            for line in daemon.log.splitlines():
                if "lease" in line or "registry" in line:
                    print(line, flush=True)

    def report(self):
        """What was done, so that one sees whether it was much."""
        moves = sorted(f"{old}->{new}" for old, new in self.watch.moves())
        print(f"answers: {dict(sorted(self.model.counts.items()))}")
        print(f"images: {dict(self.statuses)}; killed because: {dict(self.reasons)}")
        print(f"moves: {', '.join(moves)}")
        print(
            f"{self.watch.looks} looks, fullest quota {self.watch.fullest} of {QUOTA}", flush=True
        )
        # A race in which hardly anything happened proves nothing.
        for needed in ("queued->saving", "saving->active", "saving->killed", "saving->deleted"):
            self.assertIn(needed, moves)
