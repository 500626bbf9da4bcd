"""The command line of ``twistd glance``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.python import usage

from glancetx import __version__
from glancetx.config import ConfigError, Configuration, Settings, make_settings
from glancetx.plugins import (
    explain_all,
    installed_authenticators,
    installed_notifiers,
    installed_stores,
)


class Options(usage.Options):
    """Options of the daemon; `settings` is what they and the configuration file come to."""

    synopsis = "[options]"
    longdesc = (
        "A streaming image server that speaks the OpenStack Glance Images API v1. "
        "Without options it listens on port 9292 of this machine alone, "
        "and keeps everything in ./glance-data."
    )
    optFlags = [
        [
            "allow-open",
            None,
            "Serve addresses other than this machine's although nobody has to "
            "authenticate. [default: refuse to start]",
        ],
        [
            "cache",
            None,
            "Keep copies of images that were downloaded in DATA/cache, and give them from "
            "there. [default: do not]",
        ],
    ]
    optParameters = [
        ["config", "c", None, "TOML file with the same options. [default: none]"],
        [
            "data",
            "d",
            None,
            "Directory for what the daemon keeps by itself: registry and images. "
            "[default: ./glance-data]",
        ],
        [
            "registry",
            "r",
            None,
            "Where records are kept: embedded: (PostgreSQL from the data directory), "
            "postgresql://USER@HOST/NAME, postgres:DSN, or memory: (lost at the end). "
            "[default: embedded:]",
        ],
        [
            "auth",
            "a",
            None,
            "Who finds out who asks: none: (everybody is the operator), tokens:FILE, "
            "trusted:ADDRESSES, keystone:URL, or another kind. [default: none:]",
        ],
        [
            "workers",
            "w",
            None,
            "Processes that share the work. [default: the number of cores; 1 if anything is kept "
            "in memory]",
        ],
        [
            "drain",
            None,
            None,
            "Seconds that running transfers get when the daemon is told to stop. [default: 60]",
        ],
        [
            "drain-notice",
            None,
            None,
            "Seconds before that in which it serves on, while its health check tells balancers "
            "that it is leaving. [default: 0]",
        ],
        [
            "metrics",
            None,
            None,
            "Endpoint where Prometheus may ask for /metrics, and anybody for /readyz, as "
            "tcp:9293:interface=127.0.0.1. [default: none]",
        ],
        ["log-format", None, None, "How the log is written: text or json. [default: text]"],
    ]
    settings: Settings
    configuration: Configuration

    def __init__(self) -> None:
        super().__init__()
        self._listen: list[str] = []
        self._stores: list[str] = []
        self._notify: list[str] = []

    def opt_listen(self, endpoint: str) -> None:
        """Endpoint to serve; may be repeated. [default: tcp:9292:interface=127.0.0.1]"""
        self._listen.append(endpoint)

    def opt_store(self, description: str) -> None:
        """
        Store, [NAME=]KIND:ARGUMENTS; the first is written to.
        [default: file:DATA/images and http:]
        """
        self._stores.append(description)

    def opt_notify(self, description: str) -> None:
        """Who is told of images: log:, webhook:URL, or another kind. [default: nobody]"""
        self._notify.append(description)

    def opt_help_stores(self) -> None:
        """List the installed stores with their options and exit."""
        print(explain_all(installed_stores()))
        raise SystemExit(0)

    def opt_help_auth(self) -> None:
        """List the installed ways to authenticate with their options and exit."""
        print(explain_all(installed_authenticators()))
        raise SystemExit(0)

    def opt_help_notify(self) -> None:
        """List the installed kinds of notifiers with their options and exit."""
        print(explain_all(installed_notifiers()))
        raise SystemExit(0)

    def opt_version(self) -> None:
        """Show the version and exit."""
        print(f"glancetx {__version__}")
        raise SystemExit(0)

    opt_l = opt_listen
    opt_s = opt_store

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        :raises SystemExit: with one sentence when an option does not exist or lacks its value.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            sentence = str(error).rstrip(".")
            raise SystemExit(f"twistd glance: {sentence}; see twistd glance --help") from None

    def postOptions(self) -> None:
        """
        :raises SystemExit: with one sentence when the configuration is wrong.
        """
        try:
            self.configuration = Configuration.here(self._given(), self["config"])
            self.settings = make_settings(self.configuration.read())
        except ConfigError as error:
            raise SystemExit(f"twistd glance: {error}") from None

    def _given(self) -> dict[str, Any]:
        """What stood on the command line, and nothing else."""
        given: dict[str, Any] = {
            name: self[name]
            for name in ("data", "registry", "auth", "metrics")
            if self[name] is not None
        }
        if self["workers"] is not None:
            given["workers"] = _some("workers", self["workers"])
        if self["drain"] is not None:
            given["drain"] = _seconds("drain", self["drain"])
        if self["log-format"] is not None:
            given["log_format"] = self["log-format"]
        if self["drain-notice"] is not None:
            given["drain_notice"] = _seconds("drain-notice", self["drain-notice"])
        if self["allow-open"]:
            given["allow_open"] = True
        if self["cache"]:
            given["cache"] = True
        if self._listen:
            given["listen"] = tuple(self._listen)
        if self._stores:
            given["store"] = tuple(self._stores)
        if self._notify:
            given["notify"] = tuple(self._notify)
        return given


def _seconds(option: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(f"--{option} must be a number of seconds, not {text!r}")
    return seconds


def _some(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ConfigError(f"--{option} must be a whole number from 1 on, not {text!r}")
    return int(text)
