"""The command line and the configuration file → settings, or one sentence about what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, fields_dict, frozen

from glancetx.config_file import ConfigError as ConfigError
from glancetx.config_file import read_file
from glancetx.description import BadDescription, Description, parse, quote
from glancetx.digests import DEFAULT_DIGESTS
from glancetx.limits import Limits, Traffic
from glancetx.store_tables import read_table


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
        return {**(read_file(self.file) if self.file else {}), **self.command_line}


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


def _store(given: str | dict[str, Any]) -> Description:
    """A store's description, from the command line or from a table of the file."""
    try:
        return parse(given) if isinstance(given, str) else read_table(given)
    except BadDescription as error:
        raise ConfigError(f"the store {error}" if isinstance(given, str) else str(error)) from None
