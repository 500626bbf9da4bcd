"""What is copied, and how a copy fails that is not the store's fault."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from glancetx.errors import BodyCutShort, RemoteBroken, StoreError, StreamError
from glancetx.interfaces import IByteStream


class CopyFailed(StreamError):
    """The source did not give its bytes; the sentence says why, and never where it is."""


class CopyStopped(StreamError):
    """The daemon ends before its copies do."""

    def __init__(self) -> None:
        super().__init__("The daemon was stopped before it had copied the image.")


@implementer(IByteStream)
class GuardedSource:
    """
    What a source gives, its errors told apart from those of the store that it goes to.

    A store that is out of reach may keep bytes, a source that is leaves none.
    """

    def __init__(self, stream: IByteStream, check_goes_on: Callable[[], None]) -> None:
        """``check_goes_on`` raises when there is no time left to begin."""
        self.length = stream.length
        self._stream = stream
        self._check_goes_on = check_goes_on

    async def flow_to(self, consumer: IConsumer) -> None:
        """
        As every stream.

        :raises CopyFailed: when the source broke.
        :raises CopyStopped: when the daemon had no time left to begin.
        """
        self._check_goes_on()
        try:
            await self._stream.flow_to(consumer)
        except BodyCutShort:
            raise CopyFailed(str(RemoteBroken())) from None
        except StoreError as error:
            raise CopyFailed(str(error)) from None
