"""All targets by name."""

from __future__ import annotations

from tests.fuzz import answers, operators, requests
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for target in (*requests.TARGETS, *operators.TARGETS, *answers.TARGETS)
}
