"""Hypothesis without a limit of time for an example: on a busy machine that is a matter of luck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def given(*arguments: Any, **strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """As `hypothesis.given`, in all the time that it takes."""

    def decorate(test: Callable[..., None]) -> Any:
        return UNHURRIED(hypothesis.given(*arguments, **strategies)(test))

    return decorate
