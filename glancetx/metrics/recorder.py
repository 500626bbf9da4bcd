"""The observer of one process, who writes everything down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

from twisted.internet.defer import CancelledError

from glancetx.errors import BodyCutShort, ConsumerGone, DeletedMeanwhile, GlanceError
from glancetx.interfaces import Answered, IByteStream
from glancetx.metrics.book import Book
from glancetx.metrics.watched import Flow, watched

INTO, OUT = "in", "out"

#: Whoever says something else is one of the others.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
OTHER = "other"

#: What ends a transfer that nobody has failed.
GONE = (CancelledError, ConsumerGone, BodyCutShort, DeletedMeanwhile)


class Recorder:
    """An `Observer` with a book."""

    def __init__(self) -> None:
        self._book = Book()
        self._flows: set[Flow] = set()

    def book(self) -> Book:
        """A copy of what is written by now, with what is under way."""
        book = Book()
        book.include(self._book)
        for flow in self._flows:
            flow_of = flow.direction, flow.store
            book.add("glancetx_transfers_in_flight", 1, *flow_of)
            book.add("glancetx_transfer_bytes_total", flow.progress(), *flow_of)
        return book

    # -- an observer's

    def answered(self, answered: Answered) -> None:
        book, route = self._book, answered.route
        known = answered.method if answered.method in METHODS else OTHER
        status_text, status_class = _texts(answered.status)
        book.add("glancetx_http_requests_total", 1, route, known, status_text)
        book.observe(
            "glancetx_http_request_duration_seconds", answered.seconds, route, status_class
        )
        if answered.first_byte is not None:
            first_byte = answered.first_byte
            book.observe("glancetx_http_first_byte_seconds", first_byte, route, status_class)
        if answered.received:
            book.add("glancetx_http_received_bytes_total", answered.received, route)
        if answered.sent:
            book.add("glancetx_http_sent_bytes_total", answered.sent, route)
        if not answered.is_whole:
            book.add("glancetx_http_requests_aborted_total", 1, route)

    def failed(self, error: BaseException | None) -> None:
        self._book.add("glancetx_errors_total", 1, kind_of(error))

    @contextmanager
    def writing(self, store: str, progress: Callable[[], int]) -> Iterator[None]:
        flow = self._begin(INTO, store, progress)
        try:
            yield
        except BaseException as error:
            flow.end(error)
            raise
        flow.end(None)

    def reading(self, store: str, stream: IByteStream) -> IByteStream:
        return watched(stream, partial(self._begin, OUT, store))

    # -- transfers

    def _begin(self, direction: str, store: str, progress: Callable[[], int]) -> Flow:
        flow = Flow(direction, store, progress, self._ended)
        self._flows.add(flow)
        return flow

    def _ended(self, flow: Flow, error: BaseException | None) -> None:
        self._flows.remove(flow)
        flow_of = flow.direction, flow.store
        outcome = "done" if error is None else "gone" if isinstance(error, GONE) else "failed"
        self._book.add("glancetx_transfers_total", 1, *flow_of, outcome)
        self._book.add("glancetx_transfer_bytes_total", flow.progress(), *flow_of)


@lru_cache(600)
def _texts(status: int) -> tuple[str, str]:
    """A status and its class, as 404 and 4xx."""
    return str(status), f"{status // 100}xx"


def kind_of(error: BaseException | None) -> str:
    """The name of an error of ours, or of the one that somebody else's is based on."""
    for cls in type(error).__mro__:
        if issubclass(cls, GlanceError) and cls.__module__.startswith("glancetx."):
            return cls.__name__
    return "Unexpected"
