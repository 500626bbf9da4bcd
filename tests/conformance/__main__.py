"""
Which test carries which case of the contract, and what came of it.

``python -m tests.conformance`` runs every test that names a case in its docstring, as ``(C-12)``,
prints the table, and writes docs/v1-conformance.md.
``python -m tests.conformance FILE`` does so with the verdicts of a run that was (see `verdicts`).
It fails when a case has no test and no reason for having none, or when a test fails.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.runner import TestLoader, TestSuite, TrialRunner

from tests.conformance.verdicts import Verdict, Verdicts, cases_of, read

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "v1-conformance.md"

HEAD = """\
# Conformance to v1

Every case of the wire contract, the tests that carry it, and their verdict.
This page is written by `tox run -e conformance`; nobody edits it.

"""


@define
class Case:
    """One numbered case of the contract."""

    name: str
    request: str
    expected: str
    waiver: str | None = None
    tests: dict[str, bool] = field(factory=dict, init=False)

    @property
    def verdict(self) -> str:
        if self.tests:
            return "passes" if all(self.tests.values()) else "FAILS"
        return "waived" if self.waiver else "HAS NO TEST"

    @property
    def is_good(self) -> bool:
        return self.verdict in ("passes", "waived")


def read_cases() -> dict[str, Case]:
    """The contract's cases by name, with the reasons why some have no test yet."""
    cases = {name: Case(name, request, expected) for name, request, expected in _rows("cases.tsv")}
    for name, reason in _rows("waived.tsv"):
        cases[name].waiver = reason
    return cases


def _rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line]


def run() -> list[Verdict]:
    """Run the tests that carry cases; what came of them."""
    loaded = TestLoader().loadByName("tests", recurse=True)
    suite = TestSuite(test for test in _tests(loaded) if cases_of(test))
    runner = TrialRunner(Verdicts, workingDirectory="_trial_temp.conformance")
    result: Any = runner.run(suite)
    return list(result.verdicts)


def _tests(loaded: Any) -> Iterator[Any]:
    """Each test of a suite of suites."""
    if not hasattr(loaded, "_tests"):
        yield loaded
    for part in getattr(loaded, "_tests", ()):
        yield from _tests(part)


def note(verdicts: Iterable[Verdict], cases: dict[str, Case]) -> None:
    """Note the verdicts with their cases."""
    for verdict in verdicts:
        if unknown := verdict.cases - cases.keys():
            raise SystemExit(f"the contract has no case {', '.join(sorted(unknown))}")
        for name in verdict.cases:
            cases[name].tests[verdict.test] = verdict.passed


def page(cases: Sequence[Case]) -> str:
    """The table as a page of the documentation."""
    lines = ["| case | request | expected | test | verdict |", "|---|---|---|---|---|"]
    for case in cases:
        tests = "<br>".join(f"`{test.removeprefix('tests.')}`" for test in sorted(case.tests))
        lines.append(
            f"| {case.name} | {case.request} | {case.expected} "
            f"| {tests or case.waiver or ''} | {case.verdict} |"
        )
    return HEAD + summary(cases) + "\n\n" + "\n".join(lines) + "\n"


def summary(cases: Sequence[Case]) -> str:
    """How many cases there are of each verdict, in one sentence."""
    tested = sum(1 for case in cases if case.tests)
    waived = sum(1 for case in cases if case.verdict == "waived")
    bad = [case.name for case in cases if not case.is_good]
    trouble = f" Not in order: {', '.join(bad)}." if bad else ""
    return (
        f"{tested} of {len(cases)} cases are carried by tests, "
        f"{waived} are waived with a reason.{trouble}"
    )


def main() -> int:
    cases = read_cases()
    note(read(Path(sys.argv[1])) if sys.argv[1:] else run(), cases)
    ordered = list(cases.values())
    for case in ordered:
        print(
            f"{case.name}  {case.verdict:12}  {', '.join(sorted(case.tests)) or case.waiver or ''}"
        )
    print(summary(ordered))
    PAGE.write_text(page(ordered), encoding="utf-8")
    return 0 if all(case.is_good for case in ordered) else 1


if __name__ == "__main__":
    sys.exit(main())
