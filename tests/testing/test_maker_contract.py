"""Our own makers keep their suite, and one that is wrong in one way fails just there."""

from __future__ import annotations

from typing import Any
from unittest import TestResult

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.plugins import (
    Option,
    StoreMaker,
    installed_authenticators,
    installed_notifiers,
    installed_stores,
)
from glancetx.testing.maker_contract import MakerContract

DIRECTORY = Option("directory", "where they are", positional=True)
THREADS = Option("threads", "how many", "8")
FILE = StoreMaker("file", f"{__name__}.files", "keeps files", options=(DIRECTORY, THREADS))
WEB = StoreMaker("web", f"{__name__}.web", "reads", options=(Option("ca", "whom to trust", "me"),))


def files(reactor: object, directory: str, threads: str = "8") -> None:
    """A factory."""


def web(reactor: object, ca: str = "") -> None:
    """Another one."""


def broken_by(maker: object) -> set[str]:
    """Which tests of the suite a maker fails."""

    class Suite(MakerContract, SynchronousTestCase):
        pass

    Suite.maker = maker  # type: ignore[assignment]
    result = TestResult()
    for name in dir(Suite):
        if name.startswith("test_"):
            Suite(name).run(result)
    return {test.id().rpartition(".")[2] for test, _ in [*result.failures, *result.errors]}


class OursTests(SynchronousTestCase):
    """All that comes with glancetx."""

    def test_ours(self) -> None:
        """Every maker keeps the contract."""
        kinds: list[Any] = [installed_stores(), installed_authenticators(), installed_notifiers()]
        makers = [maker for kind in kinds for maker in kind.values()]
        ours = [maker for maker in makers if maker.factory.startswith("glancetx.")]
        self.assertGreaterEqual(len(ours), 9)
        self.assertEqual({each.kind: broken_by(each) for each in ours if broken_by(each)}, {})


class LiarTests(SynchronousTestCase):
    """A maker that is wrong in one way."""

    def test_sound(self) -> None:
        """One that is right passes; a default may be told in words when the factory has none."""
        self.assertEqual(broken_by(FILE), set())
        self.assertEqual(broken_by(WEB), set())

    def test_wrong(self) -> None:
        """Each lie fails just where it is asked for."""
        lone = Option("directory", "where", "here", positional=True)
        for wrong, test in (
            (evolve(FILE, kind="a:b"), "test_interface"),
            (evolve(FILE, help=""), "test_words"),
            (evolve(FILE, options=(DIRECTORY, Option("threads", "how\nmany", "8"))), "test_words"),
            (evolve(WEB, options=(Option("ca", "whom to trust", ""),)), "test_words"),
            (evolve(FILE, options=(DIRECTORY, THREADS, THREADS)), "test_names"),
            (evolve(FILE, options=(DIRECTORY, THREADS, Option("name", "it", ""))), "test_names"),
            (evolve(FILE, options=(DIRECTORY, evolve(THREADS, name="a-b"))), "test_names"),
            (
                evolve(FILE, options=(lone, Option("threads", "how many", positional=True))),
                "test_positional",
            ),
            (
                evolve(
                    FILE,
                    options=(evolve(DIRECTORY, takes_rest=True), evolve(THREADS, positional=True)),
                ),
                "test_positional",
            ),
            (
                evolve(FILE, options=(DIRECTORY, evolve(THREADS, takes_rest=True))),
                "test_positional",
            ),
            (evolve(FILE, options=(DIRECTORY,)), "test_same_as_factory"),
            (evolve(FILE, options=(lone, THREADS)), "test_same_as_factory"),
            (evolve(FILE, options=(DIRECTORY, evolve(THREADS, default="9"))), "test_defaults"),
        ):
            self.assertIn(test, broken_by(wrong), wrong)
