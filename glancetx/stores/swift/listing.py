"""Documents that Swift gives, and listings of containers, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar
from urllib.parse import quote

from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.manifest import Entry, entries_in
from glancetx.stores.swift.names import path_of

T = TypeVar("T")

#: Bytes of the largest manifest or listing that is read.
_LARGEST_DOCUMENT = 16 << 20

#: Names in one page of a listing; a server may give fewer at a time.
_PAGE = 1000

_log = Logger()


async def listed(account: Account, container: str, prefix: str = "") -> AsyncGenerator[Entry, None]:
    """All objects whose names begin so, in order, as far as the listing knows of them by now."""
    query = f"format=json&limit={_PAGE}&prefix={quote(prefix, safe='')}&marker="
    last = ""
    while True:
        path = f"{path_of(container)}?{query}{quote(last, safe='')}"
        document = await read_document(account, path)
        entries = parsed(entries_in, document) if document else []
        if not entries:
            return
        if entries[-1].name <= last:
            _log.error("Swift gives a listing that does not end")
            raise StoreUnavailable()
        for entry in entries:
            yield entry
        last = entries[-1].name


async def read_document(account: Account, path: str) -> bytes | None:
    """The document there, or None when there is none."""
    answer = await account.ask("GET", path, expect={200, 204, 404})
    content = await answer.read(_LARGEST_DOCUMENT)
    return None if answer.status == 404 else content


def parsed(parse: Callable[[bytes], T], document: bytes) -> T:
    """
    What a document says.

    :raises StoreUnavailable: when it makes no sense.
    """
    try:
        return parse(document)
    except ValueError:
        pass
    _log.error("Swift gives a document that makes no sense")
    raise StoreUnavailable()
