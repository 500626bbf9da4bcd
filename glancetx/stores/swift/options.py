"""What an operator writes, as a store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from glancetx.description import number, switch
from glancetx.httpclient import Backoff, Limits, Server
from glancetx.httpclient.trust import read_certificates
from glancetx.keystone.address import is_exposed, plain_url, v3_url
from glancetx.keystone.credentials import read_credentials
from glancetx.keystone.exchange import Exchange
from glancetx.keystone.own_token import OwnToken
from glancetx.limits import read_size
from glancetx.stores.swift.access import Login
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.keystone import Keystone
from glancetx.stores.swift.names import Names
from glancetx.stores.swift.servers import Servers
from glancetx.stores.swift.sizes import LARGEST_OBJECT, MIB, Sizes
from glancetx.stores.swift.store import SwiftStore
from glancetx.stores.swift.version1 import Version1, read_key
from glancetx.threads import Threads

INTERFACES = ("public", "internal", "admin")

#: How the address of what knows auth version 1 ends; any other one is Keystone's.
_VERSION_1 = re.compile(r"/(auth|v1|v1\.0)/?")

_log = Logger()


def swift(
    reactor: Any,
    container: str,
    auth: str,
    credentials: str,
    region: str = "",
    interface: str = "public",
    storage_url: str = "",
    ca: str = "",
    create_container: str = "true",
    large_object_size: str = "5120MB",
    large_object_chunk_size: str = "200MB",
    max_segments: str = "1000",
    connect: str = "10",
    head: str = "60",
    idle: str = "60",
    attempts: str = "5",
) -> SwiftStore:
    """
    The store of ``swift:CONTAINER:auth=URL:credentials=FILE``.

    ``connect``, ``head`` and ``idle`` are seconds; sizes have a unit, as in ``200MB``.

    :raises ValueError: when any of it makes no sense, or a file cannot be read.
    """
    # Absolute, for a daemon may change its directory.
    path = os.path.abspath(credentials)
    if interface not in INTERFACES:
        raise ValueError(f"interface must be one of {', '.join(INTERFACES)}, not {interface!r}")
    pem = read_certificates(ca)
    limits = Limits.told(connect, head, idle)
    whose = f"the Swift store of {container!r}"
    if storage_url:
        plain_url("storage_url", storage_url)

    def read_version_1() -> Callable[[], Login]:
        key = read_key(path, whose)
        return lambda: Version1(reactor, Server(reactor, auth, pem, limits), key, storage_url)

    def read_keystone() -> Callable[[], Login]:
        known = read_credentials(path, whose)
        address = v3_url("auth", auth)
        return lambda: Keystone(
            OwnToken(
                reactor,
                Exchange.over_network(reactor, pem),
                address,
                known,
                with_catalogue=True,
            ),
            interface,
            region or None,
            storage_url,
        )

    reread = read_version_1 if _VERSION_1.search(plain_url("auth", auth)) else read_keystone
    if is_exposed(auth):
        _log.warn("Our credentials for Swift go to {url} unencrypted", url=auth)
    account = Account(
        reread()(),
        Servers(lambda url: Server(reactor, url, pem, limits)),
        Backoff(reactor, number("attempts", attempts, least=0)),
        creates=switch("create_container", create_container),
    )
    sizes = Sizes(
        single=_size("large_object_size", large_object_size, least=0),
        segment=_size("large_object_chunk_size", large_object_chunk_size, least=MIB),
        most=number("max_segments", max_segments),
    )
    threads = Threads(reactor, "swift-hash", os.cpu_count() or 1)
    return SwiftStore(account, Names(container), sizes, threads, reread)


def _size(name: str, text: str, least: int) -> int:
    try:
        size = read_size(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not least <= size <= LARGEST_OBJECT:
        raise ValueError(
            f"{name} must be from {least >> 20}MB to {LARGEST_OBJECT >> 20}MB, not {text!r}"
        )
    return size
