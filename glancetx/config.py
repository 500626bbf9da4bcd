"""The command line and the configuration file → settings, or one sentence about what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, fields_dict, frozen

from glancetx.description import BadDescription, Description, parse, quote
from glancetx.digests import DEFAULT_DIGESTS
from glancetx.kinds import COUNT as _COUNT
from glancetx.kinds import DIGESTS as _DIGESTS
from glancetx.kinds import LEASE as _LEASE
from glancetx.kinds import QUOTA as _QUOTA
from glancetx.kinds import RATE as _RATE
from glancetx.kinds import SECONDS as _SECONDS
from glancetx.kinds import SIZE as _SIZE
from glancetx.kinds import SOME as _SOME
from glancetx.kinds import SWITCH as _SWITCH
from glancetx.kinds import TEXT as _TEXT
from glancetx.kinds import TEXTS as _TEXTS
from glancetx.kinds import is_of
from glancetx.limits import Limits, Traffic, read_size
from glancetx.store_tables import read_table


class ConfigError(ValueError):
    """A mistake in the configuration; the text is one sentence for the operator."""


@frozen(kw_only=True)
class Settings:
    """
    Everything an operator can set.

    Who is an operator, and whom images belong to, is told by `Recognition` from the options of
    the same names.
    ``drain``, ``drain_notice``, ``client_socket_timeout``, ``transfer_lease``, ``orphan_age`` and
    ``orphan_interval`` are seconds; a timeout of 0 lasts for ever, and so does such an interval.
    ``workers`` is how many processes serve; None leaves that to `worker_count`.
    ``transfer_lease`` is how long after a daemon died its uploads are taken for running; at least
    one second.
    ``digests`` are computed of all bytes that come in.
    ``copy_concurrency`` is how many images one daemon copies from elsewhere at the same time.
    With ``delayed_delete`` the bytes of deleted images are kept for ``scrub_time`` seconds, and
    those whose time has come are looked for every ``wakeup_time`` seconds.
    With ``cache`` copies of images are kept, in the data directory or in ``image_cache_dir``; when
    nothing is said of it, they are if there is such a directory.
    They take ``image_cache_max_size`` bytes at most; one of which nothing comes for
    ``image_cache_stall_time`` seconds is given up.
    ``image_cache_bypass`` are names of stores whose images are not copied.
    ``policy_file`` and ``property_protection_file`` are paths, ``notify`` are descriptions, and
    ``metrics`` is an endpoint.
    ``trusted_proxies`` are networks whose ``proxy_headers`` are believed, as `Proxies` says.
    ``store`` has at least one description, the default for writing first.
    """

    data: Path
    listen: tuple[str, ...]
    registry: str = "embedded:"
    store: tuple[Description, ...] = ()
    auth: str = "none:"
    notify: tuple[str, ...] = ()
    default_publisher_id: str = "image.localhost"
    allow_open: bool = False
    allow_anonymous_access: bool = False
    owner_is_tenant: bool = True
    admin_role: str = "admin"
    policy_file: str | None = None
    property_protection_file: str | None = None
    property_protection_rule_format: str = "roles"
    workers: int | None = None
    drain: float = 60.0
    drain_notice: float = 0.0
    client_socket_timeout: float = 900.0
    transfer_lease: float = 30.0
    copy_concurrency: int = 4
    digests: tuple[str, ...] = DEFAULT_DIGESTS
    delayed_delete: bool = False
    scrub_time: float = 0.0
    wakeup_time: float = 300.0
    orphan_interval: float = 86400.0
    orphan_age: float = 86400.0
    cache: bool | None = None
    image_cache_dir: str | None = None
    image_cache_max_size: int = 10 << 30
    image_cache_stall_time: float = 86400.0
    image_cache_bypass: tuple[str, ...] = ()
    public_endpoint: str | None = None
    enable_v1_api: bool = True
    trusted_proxies: tuple[str, ...] = ()
    proxy_headers: str = "x-forwarded"
    metrics: str | None = None
    log_format: str = "text"
    limits: Limits = field(factory=Limits)
    traffic: Traffic = field(factory=Traffic)


DEFAULT_DATA = "./glance-data"
DEFAULT_LISTEN = ("tcp:9292:interface=127.0.0.1",)

#: Every key that a file may have, and what its value must be.
_KINDS: Mapping[str, str] = {
    "data": _TEXT,
    "listen": _TEXTS,
    "registry": _TEXT,
    "auth": _TEXT,
    "notify": _TEXTS,
    "default_publisher_id": _TEXT,
    "allow_open": _SWITCH,
    "allow_anonymous_access": _SWITCH,
    "owner_is_tenant": _SWITCH,
    "admin_role": _TEXT,
    "policy_file": _TEXT,
    "property_protection_file": _TEXT,
    "property_protection_rule_format": _TEXT,
    "workers": _SOME,
    "drain": _SECONDS,
    "drain_notice": _SECONDS,
    "client_socket_timeout": _SECONDS,
    "transfer_lease": _LEASE,
    "copy_concurrency": _SOME,
    "digests": _DIGESTS,
    "delayed_delete": _SWITCH,
    "scrub_time": _SECONDS,
    "wakeup_time": _LEASE,
    "orphan_interval": _SECONDS,
    "orphan_age": _SECONDS,
    "cache": _SWITCH,
    "image_cache_dir": _TEXT,
    "image_cache_max_size": _SIZE,
    "image_cache_stall_time": _SECONDS,
    "image_cache_bypass": _TEXTS,
    "public_endpoint": _TEXT,
    "enable_v1_api": _SWITCH,
    "metrics": _TEXT,
    "log_format": _TEXT,
    "image_size_cap": _COUNT,
    "user_storage_quota": _SIZE,
    "image_count_total": _COUNT,
    "image_property_quota": _QUOTA,
    "image_member_quota": _QUOTA,
    "disk_formats": _TEXTS,
    "container_formats": _TEXTS,
    "limit_param_default": _COUNT,
    "api_limit_max": _COUNT,
    "trusted_proxies": _TEXTS,
    "proxy_headers": _TEXT,
    "max_connections": _COUNT,
    "max_connections_per_address": _COUNT,
    "max_transfers": _COUNT,
    "max_copies": _COUNT,
    "client_header_timeout": _SECONDS,
    "client_header_idle_timeout": _SECONDS,
    "request_rate": _RATE,
    "request_burst": _COUNT,
}


def read_settings(command_line: Mapping[str, Any], config: str | None = None) -> Settings:
    """
    Settings from the options that were given, and from a file; the command line wins.

    ``command_line`` has the names of `Settings`, and only what was given; stores are description
    strings there.

    :raises ConfigError: with a sentence about the first mistake.
    """
    return make_settings(Configuration.here(command_line, config).read())


@frozen
class Configuration:
    """What the operator said, and where, so that it can be read again."""

    command_line: Mapping[str, Any]
    file: Path | None

    @classmethod
    def here(cls, command_line: Mapping[str, Any], file: str | None) -> Configuration:
        """The same also when the process has gone to another directory."""
        return cls(command_line, Path(file).absolute() if file else None)

    def read(self) -> dict[str, Any]:
        """
        What it says by now: strings, numbers, and tuples and tables of these.

        :raises ConfigError: with a sentence about the first mistake in the file.
        """
        return {**(_read_file(self.file) if self.file else {}), **self.command_line}


def make_settings(merged: Mapping[str, Any]) -> Settings:
    """
    The settings that what was read comes to; lists do for tuples.

    :raises ConfigError: when a store cannot be understood.
    """
    given: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in merged.items()
    }
    data = Path(given.pop("data", DEFAULT_DATA)).absolute()
    stores = tuple(_store(each) for each in given.pop("store", ()))
    limits = {name: given.pop(name) for name in fields_dict(Limits) if name in given}
    traffic = {name: given.pop(name) for name in fields_dict(Traffic) if name in given}
    return Settings(
        data=data,
        listen=given.pop("listen", DEFAULT_LISTEN),
        store=stores or (parse(f"file:{quote(str(data / 'images'))}"), parse("http:")),
        limits=Limits(**limits),
        traffic=Traffic(**traffic),
        **given,
    )


def _read_file(path: Path) -> dict[str, Any]:
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
    kind = _KINDS.get(key)
    if kind is None:
        raise ConfigError(f"in {path} {key!r} is not an option")
    if kind in (_TEXTS, _DIGESTS):
        value = (value,) if isinstance(value, str) else value
    if not is_of(kind, value):
        raise ConfigError(f"in {path} {key!r} must be {kind}, not {value!r}")
    if kind is _SIZE:
        return read_size(str(value))
    return tuple(value) if kind in (_TEXTS, _DIGESTS) else value


def _store(given: str | dict[str, Any]) -> Description:
    """A store's description, from the command line or from a table of the file."""
    try:
        return parse(given) if isinstance(given, str) else read_table(given)
    except BadDescription as error:
        raise ConfigError(f"the store {error}" if isinstance(given, str) else str(error)) from None
