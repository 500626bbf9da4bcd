"""Settings → how clients are received: what stands before the API."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.logger import Logger

from glancetx.config import ConfigError, Settings
from glancetx.identity.watched import WatchedFiles
from glancetx.interfaces import UNOBSERVED, Observer
from glancetx.limits import Traffic
from glancetx.networks import Networks
from glancetx.share import Share
from glancetx.tls import TlsEndpoint
from glancetx.web.connections import Connections
from glancetx.web.forwarded import Proxies
from glancetx.web.rates import Buckets, RequestRate
from glancetx.web.site import StreamingSite
from glancetx.web.slots import Slots

#: Descriptors that a process needs besides those of connections, each of which may have a file.
SPARE = 512

_log = Logger()


@frozen
class Reception:
    """
    What one process allows, which is its share of what the daemon does, and whom it believes.

    ``hash_threads`` is how many threads hash what comes in.
    """

    traffic: Traffic
    proxies: Proxies
    idle_timeout: float | None
    buckets: Buckets | None = None
    hash_threads: int = 2

    def slots(self) -> Slots:
        """For transfers."""
        return Slots(self.traffic.max_transfers)

    def rate(self, clock: Any) -> RequestRate:
        """For requests."""
        traffic = self.traffic
        return RequestRate(clock, traffic.request_rate, traffic.request_burst, self.buckets)

    def site(self, root: Any, clock: Any, observer: Observer = UNOBSERVED) -> StreamingSite:
        """For connections, which ask the root; for each the process may open files."""
        traffic = self.traffic
        _allow_open_files(traffic)
        return StreamingSite(
            root,
            clock,
            self.idle_timeout,
            (traffic.client_header_timeout or None, traffic.client_header_idle_timeout or None),
            Connections(traffic.max_connections, traffic.max_connections_per_address),
            self.proxies,
            observer,
            self.hash_threads,
        )


def make_reception(settings: Settings, share: Share) -> Reception:
    """
    What one worker allows, or the only process.

    :raises ConfigError: when it makes no sense which proxies are believed.
    """
    try:
        proxies = Proxies(Networks(settings.trusted_proxies), settings.proxy_headers)
    except ValueError as error:
        raise ConfigError(f"trusted_proxies: {error}") from None
    traffic = settings.traffic.divided(share.workers)
    buckets = None if share.buckets is None else Buckets(share.buckets)
    idle_timeout = settings.client_socket_timeout or None
    return Reception(traffic, proxies, idle_timeout, buckets, share.hash_threads)


def certificates_of(endpoints: Sequence[IStreamServerEndpoint]) -> list[WatchedFiles[Any]]:
    """Those that are to be read again when their files change."""
    return [each.certificates for each in endpoints if isinstance(each, TlsEndpoint)]


def _allow_open_files(traffic: Traffic) -> None:
    """Have the system let this process open as many files as its connections may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * traffic.max_connections + SPARE if traffic.max_connections else hard
    if hard != resource.RLIM_INFINITY and wanted > hard:
        _log.warn(
            "{wanted} files may have to be open, and the system allows {hard}: "
            "raise the limit (LimitNOFILE, ulimit -n), or lower max_connections",
            wanted=wanted,
            hard=hard,
        )
        wanted = hard
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
