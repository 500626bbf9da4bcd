"""Where the services of a cloud are, as Keystone tells those who log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen


class NoSuchEndpoint(LookupError):
    """The catalogue does not say where a service is; the text tells which, and may be logged."""


@frozen
class Endpoint:
    """
    One address of one service.

    ``interface`` is ``public``, ``internal`` or ``admin``.
    """

    service_type: str
    interface: str
    region: str
    url: str


@frozen
class Catalogue:
    """The addresses of all services; those of the object store end in the project of the token."""

    endpoints: tuple[Endpoint, ...] = ()

    def endpoint(
        self, service_type: str, interface: str = "public", region: str | None = None
    ) -> str:
        """
        The URL of a service, without a slash at its end.

        The region may be left out where the service is in one region only: which one is meant
        otherwise cannot be guessed.

        :raises NoSuchEndpoint: when there is none, or it is in several regions.
        """
        found = [
            each
            for each in self.endpoints
            if (each.service_type, each.interface) == (service_type, interface)
            and region in (None, each.region)
        ]
        what = f"{interface} endpoint of {service_type!r}"
        if not found:
            where = "" if region is None else f" in the region {region!r}"
            raise NoSuchEndpoint(f"Keystone's catalogue has no {what}{where}")
        regions = sorted({each.region for each in found})
        if len(regions) > 1:
            raise NoSuchEndpoint(f"there is a {what} in each of the regions {', '.join(regions)}")
        return found[0].url.rstrip("/")


def parse_catalogue(services: Any) -> Catalogue:
    """
    The catalogue in a token of Keystone, ``token.catalog``; None and an empty one are the same.

    An endpoint without a URL is left out: Keystone shows those whose URL it cannot make.

    :raises ValueError: when this is not a catalogue.
    """
    try:
        return Catalogue(
            tuple(
                _endpoint(service["type"], endpoint)
                for service in services or ()
                for endpoint in service["endpoints"]
                if endpoint.get("url")
            )
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise ValueError("this is not a catalogue of Keystone")


def _endpoint(service_type: str, endpoint: Mapping[str, Any]) -> Endpoint:
    region = endpoint.get("region_id") or endpoint.get("region") or ""
    texts = service_type, endpoint["interface"], region, endpoint["url"]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not an endpoint")
    return Endpoint(*texts)
