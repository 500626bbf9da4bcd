"""Where the daemon listens, and whether it may without asking anybody who he is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from glancetx.config import ConfigError
from glancetx.description import Description, parse


def server_endpoints(
    reactor: Any, descriptions: Sequence[str], *, is_open: bool
) -> list[IStreamServerEndpoint]:
    """
    The endpoints that ``--listen`` describes. Opens nothing yet.

    ``is_open`` says that the operator wants to serve everybody without authentication.

    :raises ConfigError: when a description cannot be understood, or reaches beyond this machine.
    """
    return [_endpoint(reactor, text, is_open) for text in descriptions]


def web_address(description: str) -> str:
    """How a client would write it, as far as that can be told from the description."""
    endpoint = parse(description)
    if endpoint.kind not in ("tcp", "tcp6", "ssl"):
        return description
    scheme = "https" if endpoint.kind == "ssl" else "http"
    host = _interface(endpoint) or "*"
    port = endpoint.args[0] if endpoint.args else endpoint.options.get("port", "?")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def address_text(address: Any) -> str:
    """Where somebody listens, for the log."""
    if hasattr(address, "port"):
        return f"{address.host}:{address.port}"
    name = getattr(address, "name", address)
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)


def _endpoint(reactor: Any, text: str, is_open: bool) -> IStreamServerEndpoint:
    try:
        description = parse(text)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except OSError as error:
        raise ConfigError(f"--listen {text!r} cannot be used: {error.strerror}") from None
    except IndexError:
        raise ConfigError(f"--listen {text!r} lacks something, or nobody handed it down") from None
    except Exception as error:  # noqa: BLE001 - plugins parse it, and certificates
        raise ConfigError(f"--listen {text!r} is not an endpoint: {error}") from None
    if not is_open and not _stays_here(description):
        raise ConfigError(
            f"--listen {text!r} would give everybody who can reach it every right: "
            "listen on 127.0.0.1, or say --allow-open"
        )
    return endpoint


def _stays_here(endpoint: Description) -> bool:
    """Whether only this machine can reach it."""
    if endpoint.kind == "unix":
        return True
    if endpoint.kind not in ("tcp", "tcp6", "ssl"):
        return False
    interface = _interface(endpoint)
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return interface == "localhost"


def _interface(endpoint: Description) -> str:
    """The address it binds to; empty means all of them."""
    position = 3 if endpoint.kind == "ssl" else 1
    positional = endpoint.args[position] if len(endpoint.args) > position else ""
    return endpoint.options.get("interface", positional)
