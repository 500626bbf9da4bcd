"""
Every metric that there is: the only place that names them.

Names and units follow Prometheus' conventions; labels have few values, none of which a client can
choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen


class Kind(Enum):
    """The types of Prometheus that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@frozen
class Family:
    """
    One metric with all its series, which ``labels`` tell apart.

    ``buckets`` are the upper bounds of a histogram's.
    What several processes tell is added up, unless the largest ``is_all``: they tell of the same.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_all: bool = False

    def fits(self, labels: tuple[str, ...], value: object) -> bool:
        """Whether this may be one of its series, and not one of another release."""
        if self.kind is Kind.HISTOGRAM:
            is_value = isinstance(value, list) and len(value) == len(self.buckets) + 2
        else:
            is_value = isinstance(value, int | float)
        return is_value and len(labels) == len(self.labels)


_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (*_QUICK, 30.0, 60.0, 300.0, 1800.0, 7200.0)

_ROUTE = ("route", "status_class")
_FLOW = ("direction", "store")


def _counter(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str, is_all: bool = False) -> Family:
    return Family(name, Kind.GAUGE, meaning, labels, is_all=is_all)


_ALL = (
    # requests
    _counter(
        "glancetx_http_requests_total", "Requests that are over.", "route", "method", "status"
    ),
    _counter(
        "glancetx_http_requests_aborted_total",
        "Requests whose connection broke before the response was complete.",
        "route",
    ),
    Family(
        "glancetx_http_request_duration_seconds",
        Kind.HISTOGRAM,
        "Time from the head of a request to the end of its response.",
        _ROUTE,
        _LONG,
    ),
    Family(
        "glancetx_http_first_byte_seconds",
        Kind.HISTOGRAM,
        "Time from the head of a request to the head of its response.",
        _ROUTE,
        _LONG,
    ),
    _counter("glancetx_http_received_bytes_total", "Bytes of the bodies of requests.", "route"),
    _counter("glancetx_http_sent_bytes_total", "Bytes of the bodies of responses.", "route"),
    _gauge("glancetx_http_connections", "Open connections of clients."),
    _counter("glancetx_errors_total", "What failed and was told to a client or given up.", "kind"),
    # bytes and stores
    _gauge("glancetx_transfers_in_flight", "Images that go into a store or out of it now.", *_FLOW),
    _counter(
        "glancetx_transfers_total",
        "Transfers that have ended: done, failed, or gone when nobody wanted the rest.",
        *_FLOW,
        "outcome",
    ),
    _counter(
        "glancetx_transfer_bytes_total",
        "Bytes of images into a store and out of it, those under way included.",
        *_FLOW,
    ),
    _gauge("glancetx_hash_queue_length", "Streams of which batches wait for a thread that hashes."),
    _gauge("glancetx_hash_threads_busy", "Threads that hash now."),
    _gauge("glancetx_hash_threads", "Threads that may hash at the same time."),
    # the registry
    _gauge("glancetx_database_connections", "Connections to the registry, by use.", "state"),
    _gauge("glancetx_database_connections_max", "Connections that there may be."),
    _gauge("glancetx_database_queue_length", "Statements that wait for a connection."),
    _counter("glancetx_database_waits_total", "Statements that had to wait for a connection."),
    _counter("glancetx_database_wait_seconds_total", "Time that they waited."),
    _gauge("glancetx_images", "Images in the registry.", "status", is_all=True),
    _gauge("glancetx_image_bytes", "What they take in stores.", "status", is_all=True),
    # work under leases
    _gauge("glancetx_leases_held", "Uploads and copies that hold a lease."),
    _counter("glancetx_leases_renewed_total", "Renewals of leases."),
    _counter("glancetx_leases_lost_total", "Work that ended because its lease was lost."),
    _gauge("glancetx_copies", "Copies from elsewhere, those included that wait for their turn."),
    _counter("glancetx_janitor_cleared_total", "Images behind which the janitor has cleared up."),
    _counter("glancetx_janitor_failed_total", "Images that the janitor has left for later."),
    # the cache
    _counter(
        "glancetx_cache_requests_total",
        "Downloads by where they came from: a copy (hit), a copy being made (join), or the store "
        "(miss).",
        "result",
    ),
    _counter("glancetx_cache_sent_bytes_total", "Bytes that were given from copies, to the end."),
    _counter("glancetx_cache_fills_total", "Copies that were made."),
    _counter("glancetx_cache_evictions_total", "Copies that made room for others."),
    _gauge("glancetx_cache_images", "Copies that there are.", is_all=True),
    _gauge("glancetx_cache_bytes", "What they take.", is_all=True),
    _gauge("glancetx_cache_max_bytes", "What they may take.", is_all=True),
    # processes
    _gauge("glancetx_workers", "Workers by whether they answer: serving or silent.", "state"),
    _gauge("glancetx_build_info", "Always 1.", "version", "python", "twisted", is_all=True),
    _counter("process_cpu_seconds_total", "User and system CPU time.", "process"),
    _gauge("process_resident_memory_bytes", "Resident memory.", "process"),
    _gauge("process_virtual_memory_bytes", "Virtual memory.", "process"),
    _gauge("process_open_fds", "Open file descriptors.", "process"),
    _gauge("process_max_fds", "File descriptors that may be open.", "process", is_all=True),
    _gauge(
        "process_start_time_seconds", "When it started, since the epoch.", "process", is_all=True
    ),
)

#: All of them, by name.
FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}
