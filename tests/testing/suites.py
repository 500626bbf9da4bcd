"""Suites that are public are tested themselves: which of their tests does a broken thing fail?"""

from __future__ import annotations

from collections.abc import Iterable
from unittest import TestCase, TestResult


def tests_of(suite: type) -> list[str]:
    """The names of a suite's tests, those that it has from others included."""
    return [name for name in dir(suite) if name.startswith("test_")]


def failures(suite: type[TestCase], names: Iterable[str] | None = None) -> set[str]:
    """
    Run a suite's tests, or only those of these names; which of them did not pass.

    They are told without their ``test_``.
    """
    failed = set()
    for name in tests_of(suite) if names is None else names:
        result = TestResult()
        suite(name).run(result)
        if not result.wasSuccessful():
            failed.add(name.removeprefix("test_"))
    return failed
