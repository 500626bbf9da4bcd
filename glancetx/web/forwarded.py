"""
What proxies before us say of a request: from where it is, and by which address we are known.

Any client can say so, too: only what listed proxies have said is believed, and of that only what
the last of them who is listed has seen himself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen
from twisted.web.http_headers import Headers

from glancetx.networks import Networks, plain_address

#: Elements that are looked at, from the last one on: more proxies do not stand in a row.
MOST_HOPS = 32

#: A host with or without a port (RFC 3986 §3.2.2, without what nobody is called).
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:\d{1,5})?", re.ASCII)

_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|([0-9.]+)(?::\d{1,5})?|([0-9A-Fa-f:.]+)")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'[ \t]*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*')


@frozen(kw_only=True)
class Forwarded:
    """
    What is known of a request that came through proxies.

    ``client`` is the address of whoever asked the first of them; ``scheme``, http or https, and
    ``host`` are those by which he did.  None is what nobody has said.
    """

    client: str | None = None
    scheme: str | None = None
    host: str | None = None


#: What is known of a request that came through none.
DIRECT = Forwarded()

#: What one proxy has said: ``for``, ``proto`` and ``host``, as far as it said so.
Hop = Mapping[str, str]


class Proxies:
    """Reads the headers that proxies set; ``listed`` are those who are believed."""

    def __init__(self, listed: Networks, style: str = "x-forwarded") -> None:
        """
        ``style`` tells which headers they set: ``x-forwarded`` those that begin so, and
        ``forwarded`` that of RFC 7239.  The others are the client's own, and not looked at.

        :raises ValueError: when it is neither.
        """
        if style not in _READERS:
            raise ValueError(f"proxy_headers must be {' or '.join(_READERS)}, not {style!r}")
        self.listed = listed
        self._read = _READERS[style]

    def read(self, peer: str | None, headers: Headers) -> Forwarded:
        """What is known of a request that ``peer`` has sent; None is a unix socket's."""
        if not self.listed or not self.listed.has(peer):
            return DIRECT
        client, hops = None, self._read(headers)
        for hop in reversed(hops):
            address = _address(hop.get("for", ""))
            # What this proxy does not say, or says as nobody can read it, is not to be had from
            # those before it: whoever sent it to this proxy may have made it up.
            client = address or client
            if address is None or not self.listed.has(address):
                return _seen(client, hop)
        return _seen(client, hops[0]) if hops else DIRECT


def _seen(client: str | None, hop: Hop) -> Forwarded:
    scheme, host = hop.get("proto", "").lower(), hop.get("host", "")
    return Forwarded(
        client=client,
        scheme=scheme if scheme in ("http", "https") else None,
        host=host if HOST.fullmatch(host) else None,
    )


def _address(node: str) -> str | None:
    """The address of a node (RFC 7239 §6), with or without a port, or None when it hides it."""
    match = _NODE.fullmatch(node)
    if match is None:
        return None
    try:
        return str(plain_address(match[1] or match[2] or match[3]))
    except ValueError:
        return None


def _read_x_forwarded(headers: Headers) -> Sequence[Hop]:
    """
    One hop for each address in X-Forwarded-For.

    A single scheme, or host, is that of all hops: proxies set these anew, where they add addresses.
    """
    clients = _items(headers, b"x-forwarded-for")
    schemes = _items(headers, b"x-forwarded-proto")
    hosts = _items(headers, b"x-forwarded-host")
    count = max(len(clients), min(1, len(schemes) + len(hosts)))
    columns = {"for": clients, "proto": schemes, "host": hosts}
    return [
        {name: _aligned(items, count - place) for name, items in columns.items()}
        for place in range(count)
    ]


def _aligned(items: Sequence[str], from_end: int) -> str:
    if not items:
        return ""
    return items[max(0, len(items) - from_end)]


def _items(headers: Headers, name: bytes) -> list[str]:
    values = b",".join(headers.getRawHeaders(name, []))
    return [
        each.strip() for each in values.decode("latin-1").split(",")[-MOST_HOPS:] if each.strip()
    ]


def _read_forwarded(headers: Headers) -> Sequence[Hop]:
    """One hop for each element of Forwarded (RFC 7239 §4); none when it is malformed."""
    text = b",".join(headers.getRawHeaders(b"forwarded", [])).decode("latin-1")
    hops: list[dict[str, str]] = [{}]
    position = 0
    while position < len(text):
        if text[position] == ",":
            hops.append({})
            position += 1
        elif text[position] in "; \t":
            position += 1
        elif (match := _PAIR.match(text, position)) and _is_end(text, match.end()):
            value = match[2] if match[3] is None else re.sub(r"\\(.)", r"\1", match[3])
            hops[-1].setdefault(match[1].lower(), value)
            position = match.end()
        else:
            return []
    return [hop for hop in hops if hop][-MOST_HOPS:]


def _is_end(text: str, position: int) -> bool:
    return position == len(text) or text[position] in ",;"


_READERS = {"x-forwarded": _read_x_forwarded, "forwarded": _read_forwarded}
