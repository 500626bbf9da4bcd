"""Static tokens: a client shows a secret, and a file says who has it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from glancetx.access import Identity
from glancetx.errors import NotAuthenticated
from glancetx.identity.token_file import digest_of, read_tokens
from glancetx.identity.watched import WatchedFile
from glancetx.interfaces import IAuthenticator
from glancetx.threads import Threads

#: Where a client may show his token; the first that is there counts.
TOKEN_HEADERS = ("x-auth-token", "x-storage-token")


class Tokens:
    """
    Finds who has a token, in a time that tells nothing about those that exist.

    They are found by a keyed hash of their digests, whose key nobody knows: how far a guess agrees
    with what is kept has nothing to do with how far it agrees with a token.
    """

    def __init__(self, identities: Mapping[bytes, Identity]) -> None:
        self._key = secrets.token_bytes(32)
        self._identities = {self._hidden(digest): who for digest, who in identities.items()}

    def find(self, token: str) -> Identity | None:
        return self._identities.get(self._hidden(digest_of(token)))

    def _hidden(self, digest: bytes) -> bytes:
        return hmac.digest(self._key, digest, "sha256")


@implementer(IAuthenticator)
class StaticTokens(WatchedFile[Tokens]):
    """Recognises whoever shows a token of the file, as the file is now."""

    challenge: str | None = 'X-Auth-Token realm="glancetx"'

    def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Deferred[Identity]:
        shown = next((headers[name] for name in TOKEN_HEADERS if name in headers), "")
        identity = self.value.find(shown.strip())
        return fail(NotAuthenticated()) if identity is None else succeed(identity)


def static_tokens(reactor: Any, file: str) -> StaticTokens:
    """
    The authenticator of ``tokens:FILE``.

    :raises ValueError: when the file cannot be read, or is not one of tokens.
    """
    return StaticTokens(reactor, Path(file), _read, Threads(reactor, "tokens", 1))


def _read(content: bytes) -> Tokens:
    return Tokens(read_tokens(content))
