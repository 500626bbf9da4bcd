"""Parts of a server that count by themselves → numbers in a book."""

from __future__ import annotations

from collections.abc import Callable

from glancetx.cache.cache import ImageCache
from glancetx.interfaces import IRegistry
from glancetx.metrics.book import Book
from glancetx.registry.postgres import PostgresRegistry
from glancetx.threads import Threads
from glancetx.usecases.copy import Copies
from glancetx.usecases.janitor import Janitor
from glancetx.usecases.transfers import Transfers
from glancetx.web.site import StreamingSite

Part = Callable[[Book], None]


def hashing(*threads: Threads) -> Part:
    """The threads that hash, and what waits for them."""

    def tell(book: Book) -> None:
        for each in threads:
            busy, waiting = each.load()
            book.add("glancetx_hash_threads", each.size)
            book.add("glancetx_hash_threads_busy", busy)
            book.add("glancetx_hash_queue_length", waiting)

    return tell


def registry(registry: IRegistry) -> Part:
    """The connections to the registry, where there are any."""

    def tell(book: Book) -> None:
        if not isinstance(registry, PostgresRegistry):
            return
        use = registry.use
        book.add("glancetx_database_connections", use.busy, "in_use")
        book.add("glancetx_database_connections", use.idle, "idle")
        book.add("glancetx_database_connections_max", use.size)
        book.add("glancetx_database_queue_length", use.waiting)
        book.add("glancetx_database_waits_total", use.waits)
        book.add("glancetx_database_wait_seconds_total", use.wait_seconds)

    return tell


def work(transfers: Transfers, copies: Copies, janitor: Janitor) -> Part:
    """What goes on under leases."""

    def tell(book: Book) -> None:
        book.add("glancetx_leases_held", transfers.held)
        book.add("glancetx_leases_renewed_total", transfers.renewed)
        book.add("glancetx_leases_lost_total", transfers.lost)
        book.add("glancetx_copies", len(copies.running))
        book.add("glancetx_janitor_cleared_total", janitor.cleared)
        book.add("glancetx_janitor_failed_total", janitor.failed)

    return tell


def site(site: StreamingSite) -> Part:
    """The connections of clients."""

    def tell(book: Book) -> None:
        book.add("glancetx_http_connections", site.connections)

    return tell


def cache(cache: ImageCache | None) -> Part:
    """The cache, if there is one; how full it is takes time to find out."""

    def tell(book: Book) -> None:
        if cache is None:
            return
        book.add("glancetx_cache_requests_total", cache.hits, "hit")
        book.add("glancetx_cache_requests_total", cache.joins, "join")
        book.add("glancetx_cache_requests_total", cache.misses, "miss")
        book.add("glancetx_cache_sent_bytes_total", cache.bytes_given)
        book.add("glancetx_cache_fills_total", cache.maker.made.fills)
        book.add("glancetx_cache_evictions_total", cache.maker.made.evictions)
        book.add("glancetx_cache_max_bytes", cache.maker.max_size)

    return tell
