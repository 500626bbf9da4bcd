"""The configuration file → values that are of the kinds they must be."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glancetx import kinds
from glancetx.limits import read_size


class ConfigError(ValueError):
    """A mistake in the configuration; the text is one sentence for the operator."""


#: Every key that a file may have, and what its value must be.
KINDS: Mapping[str, str] = {
    "data": kinds.TEXT,
    "listen": kinds.TEXTS,
    "registry": kinds.TEXT,
    "auth": kinds.TEXT,
    "notify": kinds.TEXTS,
    "default_publisher_id": kinds.TEXT,
    "allow_open": kinds.SWITCH,
    "allow_anonymous_access": kinds.SWITCH,
    "owner_is_tenant": kinds.SWITCH,
    "admin_role": kinds.TEXT,
    "policy_file": kinds.TEXT,
    "property_protection_file": kinds.TEXT,
    "property_protection_rule_format": kinds.TEXT,
    "workers": kinds.SOME,
    "drain": kinds.SECONDS,
    "drain_notice": kinds.SECONDS,
    "client_socket_timeout": kinds.SECONDS,
    "transfer_lease": kinds.LEASE,
    "copy_concurrency": kinds.SOME,
    "digests": kinds.DIGESTS,
    "delayed_delete": kinds.SWITCH,
    "scrub_time": kinds.SECONDS,
    "wakeup_time": kinds.LEASE,
    "orphan_interval": kinds.SECONDS,
    "orphan_age": kinds.SECONDS,
    "cache": kinds.SWITCH,
    "image_cache_dir": kinds.TEXT,
    "image_cache_max_size": kinds.SIZE,
    "image_cache_stall_time": kinds.SECONDS,
    "image_cache_bypass": kinds.TEXTS,
    "public_endpoint": kinds.TEXT,
    "enable_v1_api": kinds.SWITCH,
    "metrics": kinds.TEXT,
    "log_format": kinds.TEXT,
    "image_size_cap": kinds.COUNT,
    "user_storage_quota": kinds.SIZE,
    "image_count_total": kinds.COUNT,
    "image_property_quota": kinds.QUOTA,
    "image_member_quota": kinds.QUOTA,
    "disk_formats": kinds.TEXTS,
    "container_formats": kinds.TEXTS,
    "limit_param_default": kinds.COUNT,
    "api_limit_max": kinds.COUNT,
    "trusted_proxies": kinds.TEXTS,
    "proxy_headers": kinds.TEXT,
    "max_connections": kinds.COUNT,
    "max_connections_per_address": kinds.COUNT,
    "max_transfers": kinds.COUNT,
    "max_copies": kinds.COUNT,
    "client_header_timeout": kinds.SECONDS,
    "client_header_idle_timeout": kinds.SECONDS,
    "request_rate": kinds.RATE,
    "request_burst": kinds.COUNT,
}


def read_file(path: Path) -> dict[str, Any]:
    """
    The options that a file sets; sizes as bytes, lists as tuples, stores as tables.

    :raises ConfigError: with a sentence about the first mistake.
    """
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or not even UTF-8
        raise ConfigError(f"the configuration {path} is not TOML: {error}") from error
    return {key: _checked(path, key, value) for key, value in content.items()}


def _checked(path: Path, key: str, value: Any) -> Any:
    if key == "store":
        tables = value if isinstance(value, list) else [value]
        if not all(isinstance(table, dict) for table in tables):
            raise ConfigError(f"in {path} each store is a table, [[store]], with a kind")
        return tables
    kind = KINDS.get(key)
    if kind is None:
        raise ConfigError(f"in {path} {key!r} is not an option")
    if kind in (kinds.TEXTS, kinds.DIGESTS):
        value = (value,) if isinstance(value, str) else value
    if not kinds.is_of(kind, value):
        raise ConfigError(f"in {path} {key!r} must be {kind}, not {value!r}")
    if kind is kinds.SIZE:
        return read_size(str(value))
    return tuple(value) if kind in (kinds.TEXTS, kinds.DIGESTS) else value
