"""Everything at once, for a while; then all is as the clients were told, and nothing is left."""

from __future__ import annotations

import os
import random
import time

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.integration.daemon import reactor
from tests.load.crowd import Crowd
from tests.load.judge import Judge
from tests.load.model import Model
from tests.load.watch import Watch
from tests.races.cluster import LEASE, QUOTA, Cluster

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
        judge = Judge(self.model, self.watch, self.cluster.ports)
        crowd = Crowd(self, CLIENTS, SEED, self.cluster.ports, self.model)
        crowd.begin()
        try:
            await self.disturb(random.Random(SEED))
        finally:
            await crowd.end()
            await judge.come_to_rest(REST)
            self.watch.end()
        await judge.judge(CLIENTS)
        judge.tell()
        self.report()
        judge.judge_logs([*self.cluster.gone, *self.cluster.daemons])
        if faults := [fault.text for fault in self.model.faults]:
            self.tell_of_leases()
            self.fail("\n".join([f"{len(faults)} faults, the first ones:", *faults[:30]]))

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

    def tell_of_leases(self):
        """What daemons said of leases and of the registry, for whoever looks for a fault."""
        for daemon in [*self.cluster.gone, *self.cluster.daemons]:
            for line in daemon.log.splitlines():
                if "lease" in line or "registry" in line:
                    print(line, flush=True)

    def report(self):
        """What was done, so that one sees whether it was much."""
        moves = sorted(f"{old}->{new}" for old, new in self.watch.moves())
        print(f"moves: {', '.join(moves)}")
        print(
            f"{self.watch.looks} looks, fullest quota {self.watch.fullest} of {QUOTA}", flush=True
        )
        # A race in which hardly anything happened proves nothing.
        for needed in ("queued->saving", "saving->active", "saving->killed", "saving->deleted"):
            self.assertIn(needed, moves)
