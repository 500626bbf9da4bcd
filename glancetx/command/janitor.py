"""``glancetx janitor``: what stores hold is compared with what records tell, and orphans go."""

from __future__ import annotations

import argparse
from contextlib import aclosing
from typing import Any

from attrs import define, field

from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, on_installation
from glancetx.command.words import age, size_text
from glancetx.errors import GlanceError, RegistryUnavailable
from glancetx.parts import make_comparison
from glancetx.shelf import ShelvedStore
from glancetx.usecases.comparison import Comparison, Finding, Verdict, listed
from glancetx.usecases.orphans import Orphans, Summary
from glancetx.usecases.pace import Pace

#: Told one by one; everything else is only counted.
TOLD = frozenset(
    {
        Verdict.ORPHAN,
        Verdict.UNKNOWN,
        Verdict.SURPLUS,
        Verdict.MISSING,
        Verdict.OTHER_SIZE,
    }
)

#: What is wrong and cannot be put right here.
WRONG = frozenset({Verdict.MISSING, Verdict.OTHER_SIZE})


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dry-run", action="store_true", help="only tell what there is")
    add("--age", type=age, metavar="AGE", help="how old orphans are at least [orphan_age]")
    add("--store", dest="in_store", metavar="NAME", help="only this store [all]")
    add(
        "--unknown",
        action="store_true",
        help="remove also bytes of which there never was a record: see the documentation",
    )


@define
class _Report:
    """What was found, told as it comes."""

    _output: Output
    _is_dry: bool
    _summary: Summary = field(factory=Summary, init=False)
    _told: list[dict[str, Any]] = field(factory=list, init=False)
    _failed: list[dict[str, str]] = field(factory=list, init=False)

    def add(self, finding: Finding, is_removed: bool = False) -> None:
        self._summary.add(finding, is_removed)
        if finding.verdict in WRONG:
            self._output.has_failed = True
        if finding.verdict not in TOLD:
            return
        self._told.append(
            {
                "verdict": finding.verdict.value,
                "store": finding.store,
                "id": finding.image_id,
                "size": finding.size,
                "expected": finding.expected,
                "removed": is_removed,
                "error": finding.trouble,
            }
        )
        self._output.line(_line(finding, is_removed))
        if finding.trouble is not None:
            self._output.fail(f"{finding.image_id} in {finding.store}: {finding.trouble}")

    def fail(self, store: str, error: GlanceError) -> None:
        self._output.fail(f"the store {store}: {error}")
        self._failed.append({"store": store, "error": str(error)})

    def end(self) -> None:
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for (store, verdict), tally in sorted(
            self._summary.found.items(), key=lambda item: (item[0][0], item[0][1].value)
        ):
            counts.setdefault(store, {})[verdict.value] = {"count": tally.count, "size": tally.size}
            self._output.line(f"{store}: {tally.count} {verdict.value}, {size_text(tally.size)}")
        removed = self._summary.removed
        if not self._is_dry:
            self._output.line(f"removed {removed.count}, {size_text(removed.size)}")
        self._output.object(
            {
                "findings": self._told,
                "stores": counts,
                "removed": {"count": removed.count, "size": removed.size},
                "failed": self._failed,
            }
        )


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    chosen = {each.name for each in installation.chosen(given.in_store)}
    registry = await installation.registry()
    pace = Pace(installation.reactor)
    comparison, orphans = make_comparison(
        installation.reactor, installation.settings, registry, pace, given.age
    )
    report = _Report(output, given.dry_run)
    async with installation.open_stores() as shelf:
        for shelved in listed(shelf):
            if shelved.name not in chosen:
                continue
            try:
                await _compare(shelved, comparison, orphans, given, report)
            except RegistryUnavailable:
                raise
            except GlanceError as error:
                report.fail(shelved.name, error)
    report.end()


async def _compare(
    shelved: ShelvedStore,
    comparison: Comparison,
    orphans: Orphans,
    given: argparse.Namespace,
    report: _Report,
) -> None:
    sweep = orphans.sweep(shelved, is_dry=given.dry_run, with_unknown=given.unknown)
    async with aclosing(sweep) as swept:
        async for finding, is_removed in swept:
            report.add(finding, is_removed)
    async with aclosing(comparison.recorded(shelved)) as recorded:
        async for finding in recorded:
            report.add(finding)


def _line(finding: Finding, is_removed: bool) -> str:
    told = "" if finding.expected is None else f" of {finding.expected}"
    removed = ", removed" if is_removed else ""
    return (
        f"{finding.verdict.value} {finding.image_id} in {finding.store}: "
        f"{finding.size}{told} bytes{removed}"
    )


COMMAND = Command(
    "janitor",
    "compare what stores hold with what records tell, and remove orphans",
    on_installation(_work),
    _arguments,
    "Compares what stores hold with what records tell, and removes what belongs to dead images "
    "and is old enough. Images whose bytes are missing, or are too many or too few, are told of; "
    "then the exit status is 1.",
)
