"""How bytes, ages and times are read and shown."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from glancetx.limits import read_size

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"([0-9]{1,12})([smhd]?)")
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def age(text: str) -> float:
    """Seconds from digits with a unit: ``90``, ``15m``, ``12h``, ``7d``; for argparse."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 90, 15m, 12h or 7d")
    return float(int(found[1]) * _UNITS[found[2]])


def moment(text: str) -> datetime:
    """A time by ISO 8601, in UTC unless it says otherwise; for argparse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-11-25 or 2026-11-25T20:00"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def byte_count(text: str) -> int:
    """Bytes from digits with a unit, ``20MB``; for argparse."""
    try:
        size = read_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not size:
        raise argparse.ArgumentTypeError("it must be more than nothing")
    return size


def positive(text: str) -> int:
    """A whole number from 1 on; for argparse."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def size_text(size: int) -> str:
    """Bytes for people."""
    value = float(size)
    for unit in _SIZES:
        if value < 1024 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def seconds_text(seconds: float) -> str:
    """An age for people, in its largest unit or two."""
    rest = int(seconds)
    parts = []
    for unit in "dhm":
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count} {unit}")
    parts.append(f"{rest} s")
    return " ".join(parts[:2])


def time_text(time: datetime) -> str:
    """A time for programs and people: ISO 8601, in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def one_line(text: str) -> str:
    """What a user has written, without what would move the cursor or feign a line."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
