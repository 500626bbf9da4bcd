"""Requests to our account: with a token that is good, and again where that may help."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from twisted.logger import Logger

from glancetx.errors import (
    GlanceError,
    RemoteBroken,
    RemoteRefused,
    RemoteUnavailable,
    StoreError,
    StoreUnavailable,
)
from glancetx.httpclient import Answer, Backoff, Content, Flow, Pieces
from glancetx.stores.swift.access import Access, Login
from glancetx.stores.swift.names import path_of
from glancetx.stores.swift.refusals import AGAIN, refusal
from glancetx.stores.swift.servers import Servers

#: Bytes of an answer that nobody wants to read, which are taken to keep the connection.
_SCRAPS = 64 * 1024

_log = Logger()


class Account:
    """
    Asks Swift about what is in one account; paths are those below it.

    ``creates`` says whether containers are made that are missing.
    """

    def __init__(self, login: Login, servers: Servers, backoff: Backoff, creates: bool) -> None:
        self._login = login
        self._servers = servers
        self._creates = creates
        self.backoff = backoff

    async def use(self, login: Login) -> None:
        """From now on log in this way."""
        old, self._login = self._login, login
        await old.close()

    async def close(self) -> None:
        """End the connections that nobody uses."""
        await self._login.close()
        await self._servers.close()

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Pieces | None = None,
        *,
        expect: Collection[int],
    ) -> Answer:
        """
        The answer to a request that may be repeated, if its status is among these.

        It is repeated when Swift is away or says so, and once when the token is good no more.

        :raises StoreForbids, StoreFull, StoreUnavailable: for any other answer, or none.
        """
        failures = 0
        may_renew = True
        while True:
            try:
                access = await self._login.get()
                answer = await self._attempt(access, method, path, headers, content)
            except (RemoteRefused, RemoteBroken, StoreUnavailable):
                # The log has been told.
                pass
            else:
                if answer.status in expect:
                    return answer
                await _drop(answer)
                if answer.status == 401 and may_renew:
                    may_renew = False
                    self._login.drop(access)
                    continue
                if answer.status not in AGAIN:
                    raise _refusal(method, answer)
            failures += 1
            if failures > self.backoff.attempts:
                raise StoreUnavailable()
            await self.backoff.pause(failures)

    async def tell(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Pieces | None = None,
        *,
        expect: Collection[int],
    ) -> Answer:
        """As `ask`, when nobody wants to read the body of the answer."""
        answer = await self.ask(method, path, headers, content, expect=expect)
        await _drop(answer)
        return answer

    async def send(
        self, path: str, flow: Flow, headers: Mapping[str, str], *, expect: Collection[int]
    ) -> Answer:
        """
        The answer to a PUT of what flows, and therefore cannot be repeated.

        What can be known before the first byte has to be known by then: see `prepare`.

        :raises StoreForbids, StoreFull, StoreUnavailable: as `ask`.
        :raises Exception: what broke the source.
        """
        access = await self._login.get()
        try:
            answer = await self._attempt(access, "PUT", path, headers, flow)
        except RemoteRefused as refused:
            status = refused.status
        except (RemoteUnavailable, RemoteBroken):
            raise StoreUnavailable() from None
        else:
            await _drop(answer)
            if answer.status in expect:
                return answer
            status = answer.status
        if status == 401:
            self._login.drop(access)
        raise refusal("PUT", status)

    async def prepare(self, container: str) -> None:
        """
        See to it that an object can be written now: the token is good, and the container is there.

        :raises StoreUnavailable: when it is missing and is not to be made.
        """
        path = path_of(container)
        found = await self.tell("HEAD", path, expect={200, 204, 404})
        if found.status != 404:
            return
        if not self._creates:
            _log.error("The container {container} is missing", container=container)
            raise StoreUnavailable()
        await self.tell("PUT", path, expect={201, 202, 204})
        _log.info("The container {container} was made", container=container)

    async def _attempt(
        self,
        access: Access,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        content: Content | None,
    ) -> Answer:
        server = self._servers.at(access.url)
        return await server.ask(
            method, path, {**(headers or {}), "X-Auth-Token": access.token}, content
        )


async def _drop(answer: Answer) -> None:
    """Take what is left of an answer, so that its connection serves again."""
    with suppress(GlanceError):
        await answer.read(_SCRAPS)


def _refusal(method: str, answer: Answer) -> StoreError:
    with suppress(RemoteBroken):
        return refusal(method, answer.status, answer.header("X-Trans-Id"))
    return refusal(method, answer.status)
