"""The file of credentials for Keystone: the authenticator's, or those of a store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from glancetx.credentials_file import read_values

_KEYS = frozenset(
    {
        "username",
        "user_id",
        "user_domain_name",
        "user_domain_id",
        "password",
        "project_name",
        "project_id",
        "project_domain_name",
        "project_domain_id",
        "application_credential_id",
        "application_credential_name",
        "application_credential_secret",
    }
)


@frozen
class Credentials:
    """
    What gets a token of our own: the body of ``POST /v3/auth/tokens``.

    It never appears in ``repr``.
    ``whose`` they are is for the log, as ``the authenticator``.
    """

    whose: str
    document: Mapping[str, Any] = field(repr=False)


def read_credentials(path: str, whose: str) -> Credentials:
    """
    The credentials in a TOML file, its keys named as in clouds.yaml; this blocks.

    :raises ValueError: as `read_values`, and when they make no sense.
    """
    return read_values(path, whose, lambda values: parse_credentials(values, whose))


def parse_credentials(values: Mapping[str, Any], whose: str) -> Credentials:
    """
    Credentials of a user with password and project, or an application credential.

    A domain that is not named is the one whose id is ``default``.

    :raises ValueError: when something is missing or unknown; the text names the key.
    """
    for key, value in values.items():
        if key not in _KEYS:
            raise ValueError(f"{key!r} is not known")
        if not isinstance(value, str) or not value:
            raise ValueError(f"{key} must be a text")
    if "application_credential_secret" in values:
        return Credentials(whose, {"auth": {"identity": _application_credential(values)}})
    if "password" not in values:
        raise ValueError("password or application_credential_secret is missing")
    user = {**_user(values), "password": values["password"]}
    auth = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": _project(values)},
    }
    return Credentials(whose, {"auth": auth})


def _application_credential(values: Mapping[str, str]) -> dict[str, Any]:
    if "application_credential_id" in values:
        named: dict[str, Any] = {"id": values["application_credential_id"]}
    elif "application_credential_name" in values:
        named = {"name": values["application_credential_name"], "user": _user(values)}
    else:
        raise ValueError(
            "application_credential_id is missing, or application_credential_name and a user"
        )
    secret = values["application_credential_secret"]
    return {
        "methods": ["application_credential"],
        "application_credential": {**named, "secret": secret},
    }


def _user(values: Mapping[str, str]) -> dict[str, Any]:
    if "user_id" in values:
        return {"id": values["user_id"]}
    if "username" not in values:
        raise ValueError("username or user_id is missing")
    return {"name": values["username"], "domain": _domain(values, "user")}


def _project(values: Mapping[str, str]) -> dict[str, Any]:
    if "project_id" in values:
        return {"id": values["project_id"]}
    if "project_name" not in values:
        raise ValueError("project_name or project_id is missing")
    return {"name": values["project_name"], "domain": _domain(values, "project")}


def _domain(values: Mapping[str, str], whose: str) -> dict[str, str]:
    if f"{whose}_domain_name" in values and f"{whose}_domain_id" not in values:
        return {"name": values[f"{whose}_domain_name"]}
    return {"id": values.get(f"{whose}_domain_id", "default")}
