"""What Keystone gives those who show it their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from glancetx.keystone.catalogue import Catalogue, parse_catalogue


@frozen
class Login:
    """
    A token of our own: what it reads, when it ends, and where it says that services are.

    ``expires_at`` is in seconds since the epoch.
    ``catalogue`` is empty unless it was asked for.
    """

    text: str = field(repr=False)
    expires_at: float
    catalogue: Catalogue = Catalogue()


def parse_login(text: str, document: Any) -> Login:
    """
    The token of this text, about which ``POST /v3/auth/tokens`` says this.

    :raises ValueError: when this is not what Keystone says about a token.
    """
    try:
        token = document["token"]
        return Login(text, expiry(token), parse_catalogue(token.get("catalog")))
    except (AttributeError, KeyError, TypeError, ValueError):
        # Not what was wrong with it: there are names in it that are nobody's business.
        pass
    raise ValueError("this is not a token of Keystone")


def expiry(token: Mapping[str, Any]) -> float:
    """
    When a token ends, in seconds since the epoch.

    :raises KeyError, TypeError, ValueError: when that is not in what Keystone says about it.
    """
    when = datetime.fromisoformat(token["expires_at"])
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
