"""
The schema: a row of numbered files, ``001-images.sql``, each applied to a database once.

The first line of each names its phase: ``-- phase: expand`` adds what old code does not mind,
``migrate`` moves data, ``contract`` takes away what only old code needed.
A file that is not a ``contract`` must work whether or not those before it that are have been
applied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from attrs import frozen

CONTRACT = "contract"

_FILE_NAME = re.compile(r"(\d{3})-[a-z0-9-]+\.sql")
_HEADER = re.compile(r"-- phase: (expand|migrate|contract)\n")


@frozen
class Step:
    """One file of the schema."""

    number: int
    name: str
    phase: str
    statements: str

    @property
    def sha256(self) -> str:
        return sha256(self.statements.encode()).hexdigest()

    @property
    def is_contract(self) -> bool:
        return self.phase == CONTRACT


def read_step(name: str, text: str) -> Step:
    """
    :raises ValueError: when the name has no number or the text no phase.
    """
    number, header = _FILE_NAME.fullmatch(name), _HEADER.match(text)
    if number is None:
        raise ValueError(f"{name} is not named like 001-images.sql")
    if header is None:
        raise ValueError(f"{name} does not begin with '-- phase: expand', migrate or contract")
    return Step(int(number[1]), name, header[1], text)


@cache
def schema() -> Sequence[Step]:
    """The steps that come with this code, in order."""
    folder = files("glancetx.registry") / "schema"
    return sorted(
        (
            read_step(file.name, file.read_text("utf-8"))
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda step: step.number,
    )
