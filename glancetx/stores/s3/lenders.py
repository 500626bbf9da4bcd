"""Services that lend credentials to the machine or the container that asks: Amazon's protocols."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from glancetx.errors import RemoteRefused, StoreUnavailable
from glancetx.httpclient import Limits, Server
from glancetx.stores.s3.credentials import checked
from glancetx.stores.s3.providers import Lender, Loan
from glancetx.threads import NotRunning, Threads

#: Such services are near, or not there at all; in seconds.
LIMITS = Limits(connect=2.0, head=5.0, idle=5.0)

#: The longest answer that is read, in bytes.
LARGEST = 64 * 1024

#: Seconds for which a session with the service of an instance is good.
SESSION = 21_600

_ROLES = "/latest/meta-data/iam/security-credentials/"

#: Where a container finds what it shows, as a text or in a file that may change.
TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE_VARIABLE = f"{TOKEN_VARIABLE}_FILE"


def lender_at(reactor: Any, url: str, threads: Threads, environment: Mapping[str, str]) -> Lender:
    """
    Whoever lends at this URL.

    Without a path it is the metadata service of an instance, as ``http://169.254.169.254``; with
    one it is the address from which a container gets its credentials.

    :raises ValueError: when the URL makes no sense.
    """
    server = Server(reactor, url, limits=LIMITS)
    if not server.prefix:
        return Instance(server)
    return Container(
        server,
        threads,
        environment.get(TOKEN_VARIABLE, ""),
        environment.get(TOKEN_FILE_VARIABLE, ""),
    )


@frozen
class Instance:
    """The metadata service of an instance, version 2: a session, then the role, then its keys."""

    _server: Server

    async def lend(self) -> Loan:
        asked = {"X-aws-ec2-metadata-token-ttl-seconds": str(SESSION)}
        session = await _read(self._server, "PUT", "/latest/api/token", asked)
        shown = {"X-aws-ec2-metadata-token": session}
        roles = await _read(self._server, "GET", _ROLES, shown)
        role = roles.split("\n")[0].strip()
        return _loan(await _read(self._server, "GET", _ROLES + quote(role, safe=""), shown))


@frozen
class Container:
    """The address from which a container gets its credentials."""

    _server: Server
    _threads: Threads
    _token: str = field(repr=False)
    _token_file: str

    async def lend(self) -> Loan:
        token = self._token
        if self._token_file:
            token = await self._read_token()
        shown = {"Authorization": token} if token else {}
        # All of the path precedes what is asked for.
        return _loan(await _read(self._server, "GET", "", shown))

    async def _read_token(self) -> str:
        try:
            return await self._threads.run(_first_line, self._token_file)
        except NotRunning:
            raise StoreUnavailable() from None


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").partition(os.linesep)[0]
    except (OSError, UnicodeError):
        raise StoreUnavailable() from None


async def _read(server: Server, method: str, path: str, headers: Mapping[str, str]) -> str:
    answer = await server.ask(method, path, headers)
    if answer.status != 200:
        answer.close()
        raise RemoteRefused(answer.status)
    return (await answer.read(LARGEST)).decode("utf-8", "replace")


def _loan(text: str) -> Loan:
    try:
        values = json.loads(text)
        credentials = checked(values["AccessKeyId"], values["SecretAccessKey"], values["Token"])
        expires = datetime.fromisoformat(values["Expiration"])
    except (ValueError, KeyError, TypeError):
        # What it said may have secrets in it.
        raise StoreUnavailable() from None
    return Loan(credentials, expires.replace(tzinfo=expires.tzinfo or UTC).timestamp())
