"""Files in which operators keep credentials for other servers: Keystone, Swift, S3."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from twisted.logger import Logger

T = TypeVar("T")

_log = Logger()


def read_text(path: str, what: str, whose: str) -> str:
    """
    What is in the file; this blocks.

    One that everybody may read is used, and warned of; ``whose`` it is says the warning, as
    ``of Ada`` or ``for S3``.

    :raises ValueError: when it cannot be read; the text begins with ``what``.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        mode = Path(path).stat().st_mode
    except (OSError, UnicodeError):
        raise ValueError(f"{what} cannot be read") from None
    if mode & stat.S_IROTH:
        _log.warn(
            "The credentials {whose} in {path} can be read by everybody: chmod 600",
            whose=whose,
            path=path,
        )
    return text


def read_values(path: str, whose: str, parse: Callable[[Mapping[str, Any]], T]) -> T:
    """
    What is made of the values in a TOML file; this blocks.

    ``whose`` they are is a name, as ``the authenticator``.

    :raises ValueError: when it cannot be read, or ``parse`` refuses it; the text says what is
        wrong, where and with whose, and nothing of what is in it.
    """
    what = f"the credentials of {whose} in {path!r}"
    text = read_text(path, what, f"of {whose}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # Its text may quote the line.
        raise ValueError(f"{what} are not TOML") from None
    try:
        return parse(values)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
