"""A little of each target in every run of the suite; ``python -m tests.fuzz`` does more."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

BRIEF = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def near(target: Target) -> st.SearchStrategy[bytes]:
    """Seeds with a piece replaced by any bytes, or by a piece of another seed; and any bytes."""
    seeds = st.sampled_from(target.seeds)
    pieces = st.binary(max_size=6) | seeds.flatmap(
        lambda seed: st.integers(0, len(seed)).map(lambda at: seed[at : at + 12])
    )

    def spliced(seed: bytes, start: int, removed: int, piece: bytes, times: int) -> bytes:
        start %= len(seed) + 1
        return seed[:start] + piece * times + seed[start + removed :]

    place, few = st.integers(0, 300), st.integers(0, 5)
    times = st.sampled_from([1, 1, 1, 2, 40])
    return st.builds(spliced, seeds, place, few, pieces, times) | st.binary(max_size=40)


class TargetTests(SynchronousTestCase):
    """Whatever comes, a codec answers as it documents (R6, R28)."""


def _add_test(target: Target) -> None:
    def test(self: TargetTests) -> None:
        for seed in target.seeds:
            target.check(seed)
        BRIEF(given(near(target))(target.check))()

    test.__doc__ = target.check.__doc__
    setattr(TargetTests, f"test_{target.name}", test)


for _target in TARGETS.values():
    _add_test(_target)
