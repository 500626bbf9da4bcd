"""What stands between the network and the use-cases, and what works behind them."""

from __future__ import annotations

from attrs import frozen
from twisted.application.service import IService

from glancetx.cache.cache import ImageCache
from glancetx.interfaces import IRegistry
from glancetx.metrics import parts
from glancetx.metrics.monitor import Monitor
from glancetx.threads import Threads
from glancetx.usecases.copy import Copies
from glancetx.usecases.janitor import Janitor
from glancetx.usecases.prefetch import Prefetch
from glancetx.usecases.transfers import Transfers
from glancetx.web.site import StreamingSite


@frozen
class Frontage:
    """The parts of a server that are made when its registry is open."""

    site: StreamingSite
    transfers: Transfers
    copies: Copies
    janitor: Janitor
    tending: IService
    prefetch: Prefetch | None

    def watched_by(
        self, monitor: Monitor, registry: IRegistry, hashing: Threads, cache: ImageCache | None
    ) -> None:
        """Let a monitor see what they, and those behind them, count by themselves."""
        monitor.watch(
            parts.site(self.site),
            parts.work(self.transfers, self.copies, self.janitor),
            parts.registry(registry),
            parts.hashing(hashing),
            parts.cache(cache),
        )
