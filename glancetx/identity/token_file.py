"""
The file of static tokens: for each token its digest, and who has it.

A token is 32 random bytes, so its SHA-256 tells nothing about it: there is no shorter list of
guesses to go through than all of 2**256.
A slow hash, as passwords need one, would protect no better and cost its time at every request.
"""

from __future__ import annotations

import json
import re
import secrets
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from glancetx.access import Identity

KEYS = frozenset({"sha256", "user", "project", "roles"})

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


def new_token() -> str:
    """A token that nobody has had before."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def token_lines(token: str, user: str, project: str | None, roles: list[str]) -> str:
    """
    The lines of the file that make a token valid.

    :raises ValueError: when a name cannot be one.
    """
    fields = [("sha256", digest_of(token).hex()), ("user", _name(user, "--user"))]
    if project is not None:
        fields.append(("project", _name(project, "--project")))
    # Strings and lists of TOML are written as those of JSON.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields]
    known = json.dumps([_name(role, "--role") for role in roles], ensure_ascii=False)
    return "\n".join(["[[token]]", *lines, f"roles = {known}", ""])


def read_tokens(content: bytes) -> Mapping[bytes, Identity]:
    """
    Who has which token, by the token's digest.

    :raises ValueError: with a sentence about the first mistake.
    """
    document = tomllib.loads(content.decode("utf-8"))
    tables = document.pop("token", [])
    if document:
        raise ValueError(f"{next(iter(document))!r} is not known here: write [[token]] tables")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError("each token is a table, [[token]]")
    tokens: dict[bytes, Identity] = {}
    for number, table in enumerate(tables, 1):
        digest, identity = _token(f"in token {number}", table)
        if digest in tokens:
            raise ValueError(f"token {number} has the same sha256 as one before it")
        tokens[digest] = identity
    return tokens


def _token(where: str, table: Mapping[str, Any]) -> tuple[bytes, Identity]:
    for key in table:
        if key not in KEYS:
            raise ValueError(f"{where} {key!r} is not known")
    digest = table.get("sha256")
    if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        raise ValueError(f"{where} 'sha256' must be 64 hexadecimal digits")
    project = table.get("project")
    roles = table.get("roles", [])
    if not isinstance(roles, list):
        raise ValueError(f"{where} 'roles' must be a list of strings")
    return bytes.fromhex(digest), Identity(
        user=_name(table.get("user"), f"{where} 'user'"),
        project=None if project is None else _name(project, f"{where} 'project'"),
        roles=[_name(role, f"{where} each of 'roles'") for role in roles],
    )


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise ValueError(f"{what} must be a string of 1 to 255 printable characters")
    return value
