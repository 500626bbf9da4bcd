"""What Keystone says about a token, reduced to what we keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from glancetx.access import Identity
from glancetx.identity.access_rules import AccessRule, access_rule
from glancetx.keystone.login import expiry

#: What Keystone's catalogue and access rules call us.
SERVICE = "image"


@frozen
class Token:
    """
    A token that Keystone knows, without the token itself.

    ``expires_at`` is in seconds since the epoch.
    ``rules`` are the only requests to us that it is good for; None means all.
    """

    identity: Identity
    expires_at: float
    rules: tuple[AccessRule, ...] | None = None


def parse_token(document: Any) -> Token:
    """
    The token of ``GET /v3/auth/tokens``.

    One that is scoped to the system, to a domain, or to nothing, has no project.

    :raises ValueError: when this is not what Keystone says about a token.
    """
    try:
        token = document["token"]
        return Token(
            Identity(
                user=_text(token["user"]["id"]),
                project=_text(token["project"]["id"]) if token.get("project") else None,
                roles=frozenset(role["name"] for role in token.get("roles", ())),
                is_admin_project=token.get("is_admin_project", True) is True,
            ),
            expires_at=expiry(token),
            rules=_rules(token),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        # Not what was wrong with it: there are names in it that are nobody's business.
        pass
    raise ValueError("this is not a token of Keystone")


def _rules(token: Mapping[str, Any]) -> tuple[AccessRule, ...] | None:
    rules = (token.get("application_credential") or {}).get("access_rules")
    if rules is None:
        return None
    if all(service["type"] != SERVICE for service in token.get("catalog", ())):
        # Keystone itself does not know of us, so nothing can be meant for us.
        return ()
    return tuple(
        access_rule(rule["method"], rule["path"]) for rule in rules if rule["service"] == SERVICE
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a name")
    return value
