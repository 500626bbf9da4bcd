"""What is known about tokens, so that Keystone is asked once and not for each request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from glancetx.clocks import time_of_day
from glancetx.flights import Flights
from glancetx.identity.keystone_token import Token

#: Asks about a token (its text, and whether it may have expired); None when it is no good.
Validate = Callable[[str, bool], Awaitable[Token | None]]

#: Seconds for which a refused token is not asked about again.
REFUSED_LIFETIME = 10.0

#: How many tokens are remembered, and as many refused ones: some 10 MiB each at most.
SIZE = 10_000


@frozen
class _Entry:
    token: Token | None
    until: float


class _Bounded:
    """At most ``size`` entries; the one not used for the longest time goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.until:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: bytes, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


class TokenCache:
    """
    Finds tokens, and remembers them by their hashes only.

    A token is good for ``lifetime`` seconds after it was asked about, and never longer than it
    lives; a refused one is refused for ``refused_lifetime`` seconds.
    Refused ones are kept apart: whoever invents tokens drives out no good ones.
    However many ask about one token at the same time, it is asked about once.
    That nobody can tell is not remembered.
    What Keystone dates is compared with the time of day.
    """

    def __init__(
        self,
        clock: IReactorTime,
        validate: Validate,
        lifetime: float,
        refused_lifetime: float = REFUSED_LIFETIME,
        size: int = SIZE,
    ) -> None:
        self._clock = clock
        self._validate = validate
        self._lifetime = lifetime
        self._refused_lifetime = refused_lifetime
        self._good = _Bounded(size)
        self._refused = _Bounded(size)
        self._flights: Flights[bytes, Token | None] = Flights()

    def __len__(self) -> int:
        return len(self._good) + len(self._refused)

    async def find(self, text: str, *, may_be_expired: bool = False) -> Token | None:
        """
        What is known about a token, or None when it is not good (any more).

        :raises IdentityUnavailable: as whoever is asked about it.
        """
        key = sha256(text.encode("ascii")).digest() + bytes([may_be_expired])
        now = self._clock.seconds()
        entry = self._good.get(key, now) or self._refused.get(key, now)
        if entry is not None:
            return entry.token
        return await self._flights.join(key, lambda: self._ask(key, text, may_be_expired))

    async def _ask(self, key: bytes, text: str, may_be_expired: bool) -> Token | None:
        # From before the question: a token may be revoked while the answer is on its way.
        asked_at = self._clock.seconds()
        token = await self._validate(text, may_be_expired)
        until = asked_at + self._lifetime
        if token is not None and not may_be_expired:
            left = token.expires_at - time_of_day(self._clock)
            if left <= 0:
                token = None
            else:
                until = min(until, self._clock.seconds() + left)
        if token is not None:
            self._good.put(key, _Entry(token, until))
        else:
            self._refused.put(key, _Entry(None, asked_at + self._refused_lifetime))
        return token
