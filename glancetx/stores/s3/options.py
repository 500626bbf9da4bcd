"""What an operator says of a bucket → the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from glancetx.description import number
from glancetx.httpclient import Backoff, Limits, Server
from glancetx.httpclient.trust import read_certificates
from glancetx.limits import read_size
from glancetx.stores.s3.addressing import PATH, VIRTUAL, place
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.client import Client
from glancetx.stores.s3.credentials import DEFAULT_PROFILE, read_environment, read_file
from glancetx.stores.s3.lenders import lender_at
from glancetx.stores.s3.payload import CHECKSUMS, NO_CHECKSUM, Seals
from glancetx.stores.s3.providers import Kept, Lent, Provider
from glancetx.stores.s3.schedule import LARGEST_PART, SMALLEST_PART
from glancetx.stores.s3.store import Habits, S3Store
from glancetx.threads import Threads

AUTO = "auto"
NONE = "none"


def s3_store(
    reactor: Any,
    bucket: str,
    endpoint: str = "",
    region: str = "us-east-1",
    prefix: str = "",
    addressing: str = "",
    credentials: str = "",
    profile: str = DEFAULT_PROFILE,
    lender: str = "",
    ca: str = "",
    part_size: str = "16MB",
    payload: str = AUTO,
    checksum: str = NONE,
    stale: str = "86400",
    threads: str = "",
    connect: str = "10",
    head: str = "60",
    idle: str = "60",
    attempts: str = "5",
) -> S3Store:
    """
    A store in a bucket; the maker's options tell what each argument is for.

    :raises ValueError: when they make no sense; the text says what to write.
    """
    style = addressing or (PATH if endpoint else VIRTUAL)
    where = place(endpoint, region, bucket, prefix, style)
    habits = Habits(_part_size(part_size), number("stale", stale, least=0))
    backoff = Backoff(reactor, number("attempts", attempts, least=0))
    limits = Limits.told(connect, head, idle)
    server = Server(reactor, where.url, read_certificates(ca), limits)
    seals = Seals(_is_signed(payload, server.scheme), _checksum(checksum))
    pool = Threads(reactor, "s3", number("threads", threads or str(os.cpu_count() or 1)))
    provider = _provider(reactor, pool, credentials, profile, lender, os.environ)
    client = Client(reactor, server, where, region, provider, backoff)
    return S3Store(reactor, server, where, Bucket(client, seals), provider, pool, backoff, habits)


def _provider(
    reactor: Any,
    threads: Threads,
    path: str,
    profile: str,
    lender: str,
    environment: Mapping[str, str],
) -> Provider:
    if path and lender:
        raise ValueError("credentials come from a file or from a lender, not from both")
    if lender:
        return Lent(reactor, lender_at(reactor, lender, threads, environment))
    if path:
        # Absolute, for a daemon may change its directory.
        return Kept(threads, partial(read_file, os.path.abspath(path), profile))
    try:
        return Kept(threads, partial(read_environment, environment))
    except ValueError as error:
        raise ValueError(
            f"give credentials=FILE, lender=URL, or put them into the environment: {error}"
        ) from None


def _part_size(text: str) -> int:
    size = read_size(text)
    if not SMALLEST_PART <= size <= LARGEST_PART:
        raise ValueError(f"part_size must be from 5MB to 524MB, not {text!r}")
    return size


def _is_signed(text: str, scheme: str) -> bool:
    """Whether signatures cover what is sent; by default where TLS does not guard it."""
    if text == AUTO:
        return scheme == "http"
    if text not in ("signed", "unsigned"):
        raise ValueError(f"payload must be auto, signed or unsigned, not {text!r}")
    return text == "signed"


def _checksum(text: str) -> str:
    if text == NONE:
        return NO_CHECKSUM
    if text not in CHECKSUMS:
        raise ValueError(f"checksum must be none or one of {', '.join(CHECKSUMS)}, not {text!r}")
    return text
