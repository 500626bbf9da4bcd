"""The command line and the configuration file → settings, or one sentence about what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, fields_dict, frozen

from glancetx.description import BadDescription, Description, parse, quote
from glancetx.digests import DEFAULT_DIGESTS, is_digest
from glancetx.limits import Limits, read_size
from glancetx.store_tables import read_table


class ConfigError(ValueError):
    """A mistake in the configuration; the text is one sentence for the operator."""


@frozen(kw_only=True)
class Settings:
    """
    Everything an operator can set.

    Who is an operator, and whom images belong to, is told by `Recognition` from the options of
    the same names.
    ``drain``, ``drain_notice``, ``client_socket_timeout`` and ``transfer_lease`` are seconds.
    A timeout of 0 lasts for ever.
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
    ``policy_file`` and ``property_protection_file`` are paths.
    ``store`` has at least one description, the default for writing first.
    """

    data: Path
    listen: tuple[str, ...]
    registry: str = "embedded:"
    store: tuple[Description, ...] = ()
    auth: str = "none:"
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
    cache: bool | None = None
    image_cache_dir: str | None = None
    image_cache_max_size: int = 10 << 30
    image_cache_stall_time: float = 86400.0
    image_cache_bypass: tuple[str, ...] = ()
    public_endpoint: str | None = None
    enable_v1_api: bool = True
    limits: Limits = field(factory=Limits)


DEFAULT_DATA = "./glance-data"
DEFAULT_LISTEN = ("tcp:9292:interface=127.0.0.1",)

_TEXT = "a string"
_TEXTS = "a list of strings"
_SECONDS = "a number of seconds"
_LEASE = "a number of seconds, at least 1"
_SIZE = "bytes, or digits with a unit and no blank, as in 20GB"
_COUNT = "a whole number from 0 on"
_SOME = "a whole number from 1 on"
_QUOTA = "a whole number"
_SWITCH = "true or false"
_DIGESTS = "a list of digests that Python knows, md5 among them"

#: Every key that a file may have, and what its value must be.
_KINDS: Mapping[str, str] = {
    "data": _TEXT,
    "listen": _TEXTS,
    "registry": _TEXT,
    "auth": _TEXT,
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
    "cache": _SWITCH,
    "image_cache_dir": _TEXT,
    "image_cache_max_size": _SIZE,
    "image_cache_stall_time": _SECONDS,
    "image_cache_bypass": _TEXTS,
    "public_endpoint": _TEXT,
    "enable_v1_api": _SWITCH,
    "image_size_cap": _COUNT,
    "user_storage_quota": _SIZE,
    "image_property_quota": _QUOTA,
    "image_member_quota": _QUOTA,
    "disk_formats": _TEXTS,
    "container_formats": _TEXTS,
    "limit_param_default": _COUNT,
    "api_limit_max": _COUNT,
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
    return Settings(
        data=data,
        listen=given.pop("listen", DEFAULT_LISTEN),
        store=stores or (parse(f"file:{quote(str(data / 'images'))}"), parse("http:")),
        limits=Limits(**limits),
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
    if not _is(kind, value):
        raise ConfigError(f"in {path} {key!r} must be {kind}, not {value!r}")
    if kind is _SIZE:
        return read_size(str(value))
    return tuple(value) if kind in (_TEXTS, _DIGESTS) else value


def _is(kind: str, value: Any) -> bool:
    if kind is _TEXT:
        return isinstance(value, str) and "\0" not in value
    if kind is _TEXTS:
        return isinstance(value, Sequence) and all(_is(_TEXT, each) for each in value)
    if kind is _DIGESTS:
        return _is(_TEXTS, value) and "md5" in value and all(map(is_digest, value))
    if kind is _SWITCH:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind is _SIZE:
        return isinstance(value, int | str) and _is_size(str(value))
    least = 1 if kind in (_LEASE, _SOME) else 0
    if kind in (_SECONDS, _LEASE):
        return isinstance(value, (int, float)) and least <= value < float("inf")
    return isinstance(value, int) and (kind is _QUOTA or value >= least)


def _is_size(text: str) -> bool:
    try:
        return read_size(text) < 1 << 63
    except ValueError:
        return False


def _store(given: str | dict[str, Any]) -> Description:
    """A store's description, from the command line or from a table of the file."""
    try:
        return parse(given) if isinstance(given, str) else read_table(given)
    except BadDescription as error:
        raise ConfigError(f"the store {error}" if isinstance(given, str) else str(error)) from None
