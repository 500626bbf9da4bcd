"""Everything hostile, sent to a daemon that must serve on as if nothing had been."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import TestCase

from tests.hostile.attack import MOST_MEMORY, Attacker, Harm, is_fair
from tests.hostile.families import FAMILIES
from tests.hostile.message import CANARY, IMAGE, QUEUED, VICTIM, Message
from tests.hostile.mutation import crossings, mutants
from tests.hostile.process import MIB, Meter
from tests.hostile.table import Table
from tests.integration.daemon import FORMATS, eventually, folder, reactor, start

SEED = int(os.environ.get("GLANCE_HOSTILE_SEED", time.time_ns() % 10**9))
#: The most messages of one table, and how many are made from them.
INPUTS = int(os.environ.get("GLANCE_HOSTILE_INPUTS", 1_000_000))
MUTANTS = int(os.environ.get("GLANCE_HOSTILE_MUTANTS", 1500))
#: Parts of the names of those families that are to be sent; without any it is all.
CHOSEN = os.environ.get("GLANCE_HOSTILE_FAMILIES", "").split(",")
FIGURES = os.environ.get("GLANCE_HOSTILE_JSON")

#: More are not told.
TOLD = 20


class HostileTests(TestCase):
    """Whatever is sent: no 5xx, no traceback, no answer too many, and nobody waits for long."""

    timeout = 3600

    async def test_families(self) -> None:
        """Every family in its turn, and then what crosses them (R6, R27, R28, R31)."""
        print(f"GLANCE_HOSTILE_SEED={SEED}", flush=True)
        place = folder(self)
        daemon = await start(self, data=place / "data")
        for path in (place / "secret", daemon.data / "secret"):
            path.write_bytes(CANARY)
        for image_id in (VICTIM, IMAGE, QUEUED):
            await daemon.reserve(**{"x-image-meta-id": image_id})
        await daemon.ask("PUT", f"/v1/images/{IMAGE}", FORMATS, bytes(range(256)) * 400)
        meter = Meter(daemon.pid)
        idle = meter.memory()
        # A table is worth looking at even when not everything went well.
        table, harms = await deferToThread(_attack, daemon, meter)
        grown = meter.memory() - idle
        print(f"{table.text()}\nmemory in the end: +{grown / MIB:.0f} MiB", flush=True)
        if FIGURES:
            Path(FIGURES).write_text(json.dumps({"seed": SEED, "families": table.figures()}))
        self.assertEqual(harms, [], "\n\n".join(harms[:TOLD]))
        self.assertLess(grown, MOST_MEMORY)
        await eventually(lambda: self.nothing_is_saving(daemon))
        # Not an image of theirs: they may have said what size it is to have, and what not.
        answer = await daemon.ask("POST", "/v1/images", FORMATS, b"sense")
        self.assertEqual(answer.status, 201)
        self.assertEqual(sorted(each.name for each in place.iterdir()), ["data", "secret"])
        self.assertEqual(await daemon.stop(), 0)

    async def nothing_is_saving(self, daemon: Any) -> bool:
        """Whether no image is half way in."""
        query = "/v1/images/detail?is_public=None&limit=1&status=saving"
        return not (await daemon.ask("GET", query)).json["images"]


def _attack(daemon: Any, meter: Meter) -> tuple[Table, list[str]]:
    """The table, and a text for each harm that was done; blocks."""
    table, harms = Table(), []
    attacker = Attacker(daemon.port, meter)

    def fresh() -> Attacker:
        """Another one: the probe of the last one is in the middle of something."""
        attacker.close()
        return Attacker(daemon.port, meter)

    for name, family in FAMILIES.items():
        if not any(part in name for part in CHOSEN):
            continue
        random = Random(f"{SEED} {name}")
        messages = list(family())
        chosen = random.sample(messages, min(INPUTS, len(messages)))
        for message in [*chosen, *mutants(messages, MUTANTS, random)]:
            if not is_fair(message):
                continue
            try:
                table.note(name, attacker.send(message))
            except Harm as harm:
                harms.append(f"{name}: {harm}")
                attacker = fresh()
            if table.rows[name].inputs % 200 == 0:
                harms += _complaints(daemon, name)
        harms += _complaints(daemon, name)
        print(name, flush=True)
    try:
        _cross(attacker, table)
    except Harm as harm:
        harms.append(f"crossings: {harm}")
    harms += _complaints(daemon, "crossings")
    attacker.close()
    return table, harms


def _cross(attacker: Attacker, table: Table) -> None:
    @settings(
        max_examples=max(1, 2 * MUTANTS),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.seed(SEED)
    @given(crossings())
    def cross(message: Message) -> None:
        if is_fair(message):
            table.note("crossings", attacker.send(message))

    cross()


def _complaints(daemon: Any, family: str) -> list[str]:
    """What the daemon has logged since the last time that no log should have."""

    def take() -> str:
        text: str = daemon.log
        daemon.out = daemon.err = b""
        return text

    log = blockingCallFromThread(reactor, take)
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if "Traceback" in line or "Unhandled" in line:
            return [f"{family}: " + "\n".join(lines[max(0, number - 3) : number + 40])]
    return []
