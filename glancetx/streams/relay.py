"""One producer that stays, before others that come one after the other."""

from __future__ import annotations

from twisted.internet.interfaces import IProducer, IPushProducer


class Relay:
    """
    Passes what a consumer wants on to whichever producer is there, now or later.

    To the streams it is a consumer, and to the consumer a push producer; whoever builds upon it
    says how bytes are written.
    """

    def __init__(self) -> None:
        self.is_stopped = False
        self._is_paused = False
        self._producer: IPushProducer | None = None

    # -- towards the streams

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._producer = IPushProducer(producer)
        if self.is_stopped:
            self._producer.stopProducing()
        elif self._is_paused:
            self._producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self._producer = None

    # -- towards the consumer

    def pauseProducing(self) -> None:
        self._is_paused = True
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self._is_paused = False
        if self._producer is not None:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Once is enough."""
        if self.is_stopped:
            return
        self.is_stopped = True
        if self._producer is not None:
            self._producer.stopProducing()
        else:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        """It was stopped while no producer is there: end whatever would bring one."""
