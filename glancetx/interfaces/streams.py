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


class IFileSpan(IByteStream):
    """
    A stream whose bytes lie one after the other in an open file.

    It may be poured as any other, or else the kernel may send the file by itself, as by
    sendfile(2): whoever has it do so closes the span in the end and pours nothing.
    Positions are those in the file, in bytes.
    """

    number: int = Attribute("The number of the open file.")
    start: int = Attribute("Where the first byte lies.")
    length: int = Attribute("How many bytes there are.")

    def is_at_hand(start: int, size: int) -> bool:
        """
        Whether these bytes can be read now without waiting for a medium.

        Quick, and right most of the time: what was read lately may be gone when it is sent.
        """

    def fetch(start: int, size: int) -> Awaitable[None]:
        """
        Bring these bytes into memory without blocking the reactor.

        What cannot be stopped once it has begun goes on after a cancellation.

        :raises StoreError: when they cannot be read.
        """

    def close(sent: int, error: BaseException | None = None) -> None:
        """
        Let go of the file, so many bytes of which were sent.

        ``error`` is what has ended it before all were, CannotRead when it was the file's fault.
        """
