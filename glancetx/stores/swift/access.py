"""The key to an account: where it is, and a token that opens it."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen


@frozen
class Access:
    """
    Where an account is, and a token that opens it, which never appears in ``repr``.

    ``url`` has no slash at its end.
    """

    url: str
    token: str = field(repr=False)


class Login(Protocol):
    """
    Gets access with our own credentials, keeps it, and renews it before it ends.

    However many need it at the same time, it is got once.
    """

    async def get(self) -> Access:
        """
        :raises StoreForbids: when our credentials are refused.
        :raises StoreUnavailable: when nobody can be asked now, or the answer makes no sense.
        """
        ...

    def drop(self, access: Access) -> None:
        """Forget what is good for nothing any more; a newer one is kept."""
        ...

    async def close(self) -> None:
        """End the connections that nobody uses."""
        ...
