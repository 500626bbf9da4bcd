"""The bytes of one image on the move."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface


class IByteStream(Interface):
    """
    The bytes of one image on the move.

    A stream is poured once, into one consumer.
    Authors who would rather not meet consumers use `glancetx.streams.chunks` and
    `glancetx.streams.from_chunks`.
    """

    length: int | None = Attribute("How many bytes will come, or None when nobody knows.")

    def flow_to(consumer: IConsumer) -> Awaitable[None]:
        """
        Pour everything into the consumer.

        Registers itself as a push producer, writes, and always unregisters.
        Between ``pauseProducing`` and ``resumeProducing`` nothing is written.
        It always ends: after the last byte, by an error of the source, or by cancellation, which
        stops the source.

        :raises ConsumerGone: when the consumer called ``stopProducing``.
        :raises BodyCutShort: when a client's body ended before its time.
        :raises StoreError: when a store broke while giving.
        """
