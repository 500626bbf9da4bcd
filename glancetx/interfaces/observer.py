"""What operators want to see, told by those who do it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from attrs import frozen

from glancetx.interfaces.streams import IByteStream


@frozen(kw_only=True)
class Answered:
    """
    What became of a request.

    ``route`` is one of those that the API has, whatever was asked for; ``method`` is what the
    client said.
    ``seconds`` passed until the end, and ``first_byte`` seconds until the head of the response was
    sent, or None when there was none.
    ``received`` and ``sent`` are the bytes of the bodies.
    Unless ``is_whole`` the connection broke before the response was complete.
    """

    route: str
    method: str
    status: int
    seconds: float
    first_byte: float | None
    received: int
    sent: int
    is_whole: bool


class Observer(Protocol):
    """
    Is told what happens: once for each request, transfer or error, and never for each chunk.

    It never raises, and never waits.
    """

    def answered(self, answered: Answered) -> None:
        """A request is over."""

    def failed(self, error: BaseException | None) -> None:
        """Something failed, and somebody was told of it or it was given up."""

    def writing(self, store: str, progress: Callable[[], int]) -> AbstractContextManager[object]:
        """
        Within this, bytes go into the store of this name.

        ``progress`` tells at any time, the end included, how many they are so far.
        """

    def reading(self, store: str, stream: IByteStream) -> IByteStream:
        """The same stream, which the store of this name gives; an IFileSpan stays one."""


class Unobserved:
    """The `Observer` who does not care."""

    def answered(self, answered: Answered) -> None:
        """Nothing."""

    def failed(self, error: BaseException | None) -> None:
        """Nothing."""

    def writing(self, store: str, progress: Callable[[], int]) -> AbstractContextManager[object]:
        """Nothing around it."""
        return nullcontext()

    def reading(self, store: str, stream: IByteStream) -> IByteStream:
        """The stream itself."""
        return stream


UNOBSERVED = Unobserved()
