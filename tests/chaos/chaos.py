"""Faults of every kind under load; then all is as clients were told, and nothing is left."""

from __future__ import annotations

import os
import random
import time

from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.chaos.installation import LEASE, QUOTA, Installation
from tests.chaos.ledger import Ledger, shuffled
from tests.chaos.operator import Operator
from tests.chaos.rude import Rude, connections_of
from tests.integration.daemon import eventually, reactor
from tests.load.crowd import Crowd
from tests.load.judge import Judge
from tests.load.model import Model
from tests.load.watch import Watch

FAULTS = int(os.environ.get("GLANCE_CHAOS_FAULTS") or 500)
SEED = int(os.environ.get("GLANCE_CHAOS_SEED") or time.time_ns() % 10**9)

CLIENTS = 8
RUDE_CLIENTS = 4

#: The share of all faults that rude clients are for.
RUDENESS = 0.37

#: Seconds until everything is at rest: what a janitor held when it was killed waits for a minute.
REST = 120


class ChaosTests(TestCase):
    """R11, R12: whatever happens, nothing acknowledged is lost, and nothing refused is left."""

    timeout = 120 + 10.0 * FAULTS

    async def test_chaos(self):
        """A daemon with two workers, many clients, and one fault after the other."""
        print(f"GLANCE_CHAOS_SEED={SEED} GLANCE_CHAOS_FAULTS={FAULTS}", flush=True)
        self.began = time.monotonic()
        self.chance = random.Random(SEED)
        self.model = Model()
        self.ledger = Ledger(self.model)
        self.here = await Installation.start(self)
        self.watch = Watch(
            self.here.dsn, self.here.images, QUOTA, self.model, LEASE / 3, slack=75, is_patient=True
        )
        await deferToThread(self.here.clock.install, self.watch)
        self.watch.begin()
        judge = Judge(self.model, self.watch, [self.here.port])
        crowd = Crowd(self, CLIENTS, SEED, [self.here.port], self.model)
        crowd.begin()
        try:
            await self.inject()
        finally:
            await crowd.end()
            await judge.come_to_rest(REST)
            self.watch.end()
            print(self.ledger.table(), flush=True)
        await judge.judge(CLIENTS)
        judge.tell()
        self.watch.moves()
        await self.judge_connections()
        self.assertEqual(await self.here.daemon.stop(), 0)
        judge.judge_logs([*self.here.gone, self.here.daemon])
        print(f"{time.monotonic() - self.began:.0f} s in all", flush=True)
        if faults := [fault.text for fault in self.model.faults]:
            self.fail("\n".join([f"{len(faults)} faults, the first ones:", *faults[:30]]))
        self.assertGreaterEqual(self.ledger.injected.total(), FAULTS)

    async def inject(self):
        """All faults; those of clients beside those of everything else."""
        rude = [
            Rude(f"{SEED}/rude/{number}", self.here.port, self.model, self.ledger, deck)
            for number, deck in enumerate(self.decks_of_the_rude())
        ]
        rudeness = gatherResults([deferToThread(each.run) for each in rude], consumeErrors=True)
        operator = Operator(self.here, self.model, self.watch, self.ledger, self.chance)
        deeds = operator.deeds
        try:
            for deed in shuffled(deeds, FAULTS - round(FAULTS * RUDENESS), self.chance):
                await eventually(lambda: self.model.in_flight)
                await deed()
                await deferLater(reactor, self.chance.uniform(0, 1))
            await rudeness
            # What came when nothing ran does not count.
            while self.ledger.injected.total() < FAULTS:
                await operator.kill_worker()
        finally:
            for each in rude:
                each.is_over = True

    def decks_of_the_rude(self):
        """What each of the rude clients is to do."""
        deck = shuffled(Rude.SHARES, round(FAULTS * RUDENESS), self.chance)
        return [deck[number::RUDE_CLIENTS] for number in range(RUDE_CLIENTS)]

    async def judge_connections(self):
        """No worker keeps a connection that nobody uses any more."""

        def left():
            return [each for each in connections_of(self.here.port) if each.is_owned]

        try:
            await eventually(lambda: not left())
        except AssertionError:
            self.model.fault(f"{len(left())} connections are left: {left()[:5]}")
