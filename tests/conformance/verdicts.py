"""What came of the tests that carry cases of the contract, as trial reports it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.trial.reporter import TreeReporter

_CASE = re.compile(r"\b[A-Z]-[0-9]{2}\b")


@frozen
class Verdict:
    """A test, by its full name, the cases that it names in its docstring, and how it ended."""

    test: str
    cases: frozenset[str]
    passed: bool


def cases_of(test: Any) -> frozenset[str]:
    """The cases that a test carries."""
    test = getattr(test, "_originalTest", test)  # trial adapts tests while it runs them
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    return frozenset(_CASE.findall(getattr(method, "__doc__", None) or ""))


class Verdicts(TreeReporter):
    """
    trial's usual report, and a verdict on each test that carries cases.

    They are written into the file that GLANCE_VERDICTS names, so that nobody has to run these
    tests again: ``trial --reporter=verdicts``, with ``tests/reporter`` on the Python path.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._carrying: dict[str, frozenset[str]] = {}

    def startTest(self, method: Any) -> None:  # noqa: N802
        super().startTest(method)
        if cases := cases_of(method):
            self._carrying[method.id()] = cases

    @property
    def verdicts(self) -> list[Verdict]:
        """Those on all tests so far; whatever did not plainly succeed has failed."""
        told: list[Any] = [*self.errors, *self.failures, *self.skips]
        told += [*self.expectedFailures, *self.unexpectedSuccesses]
        failed = {test.id() for test, *_ in told}
        return [Verdict(test, cases, test not in failed) for test, cases in self._carrying.items()]

    def done(self) -> None:
        super().done()
        if file := os.environ.get("GLANCE_VERDICTS"):
            Path(file).write_text("".join(map(_line, self.verdicts)), encoding="utf-8")


def read(file: Path) -> list[Verdict]:
    """The verdicts in a file of `Verdicts`."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Verdict(test, frozenset(cases.split(",")), end == "passed") for end, cases, test in rows
    ]


def _line(verdict: Verdict) -> str:
    end = "passed" if verdict.passed else "failed"
    return f"{end}\t{','.join(sorted(verdict.cases))}\t{verdict.test}\n"
