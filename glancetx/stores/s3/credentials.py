"""The credentials for S3 that an operator keeps in a file, or in the environment."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from typing import Any

from glancetx.credentials_file import read_text
from glancetx.stores.s3.signature import Credentials

#: Without a profile this one is read.
DEFAULT_PROFILE = "default"

_ACCESS = "aws_access_key_id"
_SECRET = "aws_secret_access_key"  # noqa: S105 - the name of a key
_TOKEN = "aws_session_token"  # noqa: S105


def read_file(path: str, profile: str = DEFAULT_PROFILE) -> Credentials:
    """
    The credentials in a file; this blocks.

    It is TOML, or it has profiles, as ``~/.aws/credentials``.
    One that everybody may read is used, and warned of.

    :raises ValueError: when it cannot be read or makes no sense; the text says what is wrong, and
        nothing of what is in it.
    """
    what = f"the file of credentials {path!r}"
    text = read_text(path, what, "for S3")
    try:
        values = _values(text, profile)
        return checked(*(values.get(name) for name in (_ACCESS, _SECRET, _TOKEN)))
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def read_environment(environment: Mapping[str, str]) -> Credentials:
    """
    The credentials in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

    :raises ValueError: when they are not there.
    """
    return checked(*(environment.get(name.upper(), "") for name in (_ACCESS, _SECRET, _TOKEN)))


def _values(text: str, profile: str) -> Mapping[str, Any]:
    """Names and values of a file, whatever its form."""
    # The messages of both parsers may quote the file.
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        raise ValueError("is neither TOML nor has it profiles") from None
    if not parser.has_section(profile):
        raise ValueError(f"has no profile {profile!r}")
    return dict(parser.items(profile))


def checked(access_key: Any, secret_key: Any, token: Any) -> Credentials:
    """
    Credentials of what somebody else wrote, who may have written anything.

    :raises ValueError: when it makes no sense; the text does not repeat it.
    """
    found = {_ACCESS: access_key or "", _SECRET: secret_key or "", _TOKEN: token or ""}
    for name, value in found.items():
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{name} must be a text")
    for name in (_ACCESS, _SECRET):
        if not found[name]:
            raise ValueError(f"{name} is missing")
    return Credentials(found[_ACCESS], found[_SECRET], found[_TOKEN] or None)
