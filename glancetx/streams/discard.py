"""A stream that nobody wants after all."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IConsumer, IProducer
from zope.interface import implementer

from glancetx.interfaces import IByteStream


async def discard(stream: IByteStream) -> None:
    """
    Let go of an open stream without reading it: what it holds open, it closes.

    What breaks it meanwhile matters to nobody.
    """
    try:
        await stream.flow_to(_Nowhere())
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001 - nobody wants it
        pass


@implementer(IConsumer)
class _Nowhere:
    """Wants nothing."""

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        producer.stopProducing()

    def unregisterProducer(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass
