"""``glancetx verify``: the bytes of images are read again and compared with their records."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from attrs import asdict
from tqdm import tqdm

from glancetx.command.base import Command, Output
from glancetx.command.images import all_of
from glancetx.command.installation import Installation, on_installation, running
from glancetx.command.verify_state import State, StateFile
from glancetx.command.words import byte_count, moment, positive, size_text
from glancetx.registry.postgres import PostgresRegistry
from glancetx.share import cores
from glancetx.survey import Surveyed, SurveyQuery
from glancetx.threads import Threads
from glancetx.usecases.comparison import READABLE
from glancetx.usecases.pace import Pace
from glancetx.usecases.verification import Flaw, Verification
from glancetx.usecases.walk import Walk

#: How many images are read from the registry at once.
PAGE = 200

#: Seconds of work that are lost at most when the command is killed, besides what is half read.
SAVE_EVERY = 2.0


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image_ids", metavar="IMAGE_ID", nargs="*", help="only these images [all]")
    add("--store", dest="in_store", metavar="NAME", help="only what is in this store [all]")
    add("--since", type=moment, metavar="TIME", help="only images that changed since 2026-11-25")
    add("--jobs", type=positive, default=2, metavar="N", help="how many images at a time [2]")
    add("--rate", type=byte_count, metavar="SIZE", help="bytes in a second at most, as 100MB")
    add("--state", metavar="FILE", help="where it keeps how far it got [DATA/verify.json]")
    add("--restart", action="store_true", help="begin anew, whatever an earlier one has left")


class _Verifier:
    """One run of the command."""

    def __init__(
        self,
        installation: Installation,
        registry: PostgresRegistry,
        given: argparse.Namespace,
        output: Output,
        state: State,
        file: StateFile | None,
    ) -> None:
        self._installation = installation
        self._registry = registry
        self._given = given
        self._output = output
        self._state = state
        self._file = file
        self._before = state.images
        self._saved_at = installation.reactor.seconds()
        self._bar: tqdm[Any] | None = None

    async def run(self) -> None:
        """Verify, and tell what came of it."""
        for flaw in self._state.flaws:
            self._tell(flaw)
        threads = Threads(self._installation.reactor, "verify", cores())
        try:
            async with running(threads), self._installation.open_stores() as shelf:
                pace = Pace(self._installation.reactor, self._given.rate)
                verification = Verification(self._registry, shelf, threads, pace, self._count)
                await self._walk(verification)
        finally:
            if self._bar is not None:
                self._bar.close()

    async def _walk(self, verification: Verification) -> None:
        async def do(surveyed: Surveyed) -> None:
            flaws = await verification.verify(surveyed.image, self._given.in_store)
            self._state.flaws.extend(flaws)
            for flaw in flaws:
                self._tell(flaw)

        walk = Walk(self._given.jobs, do)
        if sys.stderr.isatty():
            self._bar = await self._progress_bar()
        try:
            await walk.over(self._saving(walk))
        finally:
            self._save(walk)

    async def _saving(self, walk: Walk[Surveyed]) -> AsyncGenerator[Surveyed, None]:
        """All images that are to be verified, while the state is saved now and then."""
        async for surveyed in self._selected():
            now = self._installation.reactor.seconds()
            if now - self._saved_at >= SAVE_EVERY:
                self._saved_at = now
                self._save(walk)
            yield surveyed

    async def _selected(self) -> AsyncGenerator[Surveyed, None]:
        given = self._given
        if given.image_ids:
            found = {
                each.image.image_id: each
                for each in await self._registry.survey_of(given.image_ids)
                if each.image.status in READABLE
            }
            for image_id in given.image_ids:
                if image_id in found:
                    yield found[image_id]
                else:
                    error = "there is no such image that has bytes"
                    self._state.flaws.append(Flaw(id=image_id, store="-", error=error))
                    self._tell(self._state.flaws[-1])
            return
        query = SurveyQuery(
            states=READABLE,
            store=given.in_store,
            changed_since=given.since,
            after=self._state.after,
            limit=PAGE,
        )
        async for surveyed in all_of(self._registry, query):
            yield surveyed

    def _save(self, walk: Walk[Surveyed]) -> None:
        if walk.behind is not None:
            self._state.after = walk.behind.image.image_id
        self._state.images = self._before + walk.passed
        if self._file is not None:
            self._file.save(self._state)

    def _count(self, size: int) -> None:
        self._state.bytes += size
        if self._bar is not None:
            self._bar.update(size)

    async def _progress_bar(self) -> tqdm[Any]:
        """A bar of bytes, with an end when that is known."""
        total = None
        given = self._given
        if not (given.image_ids or given.in_store or given.since):
            totals = await self._registry.totals()
            total = sum(each.size for each in totals if each.status in READABLE)
        # Its thread would only watch over bars that are forgotten.
        tqdm.monitor_interval = 0
        return tqdm(
            total=total,
            initial=self._state.bytes,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            file=sys.stderr,
            dynamic_ncols=True,
        )

    def _tell(self, flaw: Flaw) -> None:
        if self._bar is not None:
            self._bar.clear()
        self._output.fail(f"{flaw.id} in {flaw.store}: {flaw.error}")


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    installation.chosen(given.in_store)
    registry = await installation.registry()
    selection = {
        "store": given.in_store,
        "since": None if given.since is None else given.since.isoformat(),
    }
    file = None if given.image_ids else StateFile(_path(installation, given))
    try:
        state = State(selection) if file is None else file.open(selection, anew=given.restart)
        if state.after:
            output.line(f"going on after {state.after}")
        await _Verifier(installation, registry, given, output, state, file).run()
        if file is not None:
            file.remove()
    finally:
        if file is not None:
            file.close()
    output.line(f"verified {state.images} images, {size_text(state.bytes)}")
    output.line(f"flaws {len(state.flaws)}")
    flaws = [asdict(each) for each in state.flaws]
    output.object({"images": state.images, "bytes": state.bytes, "flaws": flaws})


def _path(installation: Installation, given: argparse.Namespace) -> Path:
    default = installation.settings.data / "verify.json"
    return default if given.state is None else Path(given.state).absolute()


COMMAND = Command(
    "verify",
    "read images again and compare them with their records",
    on_installation(_work),
    _arguments,
    "Reads the bytes of active and deactivated images again, and compares their number and every "
    "digest that is recorded. One that was interrupted goes on where it got to, when it is asked "
    "for the same images. The exit status is 1 when something is wrong.",
)
