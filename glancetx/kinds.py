"""What the values of options must be, each kind being the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glancetx.digests import is_digest
from glancetx.limits import read_size

TEXT = "a string"
TEXTS = "a list of strings"
SECONDS = "a number of seconds"
LEASE = "a number of seconds, at least 1"
RATE = "a number from 0 on"
SIZE = "bytes, or digits with a unit and no blank, as in 20GB"
COUNT = "a whole number from 0 on"
SOME = "a whole number from 1 on"
QUOTA = "a whole number"
SWITCH = "true or false"
DIGESTS = "a list of digests that Python knows, md5 among them"


def is_of(kind: str, value: Any) -> bool:
    """Whether a value of a TOML file is of this kind."""
    if kind is TEXT:
        return isinstance(value, str) and "\0" not in value
    if kind is TEXTS:
        return isinstance(value, Sequence) and all(is_of(TEXT, each) for each in value)
    if kind is DIGESTS:
        return is_of(TEXTS, value) and "md5" in value and all(map(is_digest, value))
    if kind is SWITCH:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind is SIZE:
        return isinstance(value, int | str) and _is_size(str(value))
    least = 1 if kind in (LEASE, SOME) else 0
    if kind in (SECONDS, LEASE, RATE):
        return isinstance(value, (int, float)) and least <= value < float("inf")
    return isinstance(value, int) and (kind is QUOTA or value >= least)


def _is_size(text: str) -> bool:
    try:
        return read_size(text) < 1 << 63
    except ValueError:
        return False
