"""A stream that nobody wants after all."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IConsumer, IProducer, IPushProducer
from zope.interface import implementer

from glancetx.interfaces import IByteStream


async def leave(stream: IByteStream) -> None:
    """
    End a stream that nobody wants, unread, so that it lets go of what it holds.

    What breaks it meanwhile matters to nobody.
    """
    try:
        await stream.flow_to(_Nobody())
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001 - nobody wants it
        pass


@implementer(IConsumer)
class _Nobody:
    """Wants nothing."""

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        IPushProducer(producer).stopProducing()

    def unregisterProducer(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass
