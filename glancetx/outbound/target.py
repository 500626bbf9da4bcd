"""A URL that a user named, taken apart once and strictly: what is parsed here is what is sent."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote_to_bytes, urljoin

import idna
from attrs import field, frozen

from glancetx.errors import InvalidLocation, SourceNotSupported
from glancetx.outbound.addresses import Address, parse_address

LONGEST_URL = 8192
LONGEST_HOST = 253

_PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII)
_URL = re.compile(r"https?://(?P<authority>[^/?#]*)(?P<path>[^#]*)")
_PATH = re.compile(r"[!-~]*")
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^@:/\[\]]+):(?P<password>[^@:/\[\]]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:\[\]%\\]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)
_USERINFO = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: What some C library takes for a number, and so the whole name for an address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@frozen
class Target:
    """
    Where a request goes.

    ``host`` is a lower-case ASCII name, or an address without brackets, and then ``address`` is
    that address.
    ``path`` begins with a slash and includes the query.
    ``authorization`` is the value of a header, made from the user and password of the URL; it
    never appears in ``repr``.
    """

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    address: Address | None = None
    authorization: bytes | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be logged."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """Host and, unless it is the scheme's own, port: the value of a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> bytes:
        """The URL without credentials."""
        return (self.origin + self.path).encode("ascii")


def parse_target(url: str) -> Target:
    """
    The target of a URL.

    :raises SourceNotSupported: when the scheme is not exactly http or https.
    :raises InvalidLocation: when anything else about it is unusual.
    """
    scheme = _SCHEME.match(url)
    if scheme is None or scheme[1] not in _PORTS:
        raise SourceNotSupported()
    parts = _URL.fullmatch(url)
    if parts is None or len(url) > LONGEST_URL:
        raise InvalidLocation()
    authority = _AUTHORITY.fullmatch(parts["authority"])
    path = parts["path"]
    if authority is None or not _PATH.fullmatch(path) or "\\" in path:
        raise InvalidLocation()
    host, address = _host(authority["host"])
    port = int(authority["port"] or _PORTS[scheme[1]])
    if port > 65535:
        raise InvalidLocation()
    return Target(
        scheme[1],
        host,
        port,
        path if path.startswith("/") else "/" + path,
        address,
        _authorization(authority["user"], authority["password"]),
    )


def redirect(target: Target, location: str) -> Target:
    """
    Where a redirect leads, relative to the target; credentials stay with their origin.

    :raises InvalidLocation: when it is malformed, leaves https, or brings its own credentials.
    """
    base = target.url.decode("ascii")
    try:
        there = parse_target(urljoin(base, location).partition("#")[0])
    except (SourceNotSupported, ValueError):
        raise InvalidLocation() from None
    if there.authorization is not None or (target.scheme, there.scheme) == ("https", "http"):
        raise InvalidLocation()
    kept = target.authorization if there.origin == target.origin else None
    return Target(there.scheme, there.host, there.port, there.path, there.address, kept)


def _host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        address = parse_address(text[1:-1])
        if address is None or address.version != 6:
            raise InvalidLocation()
        return str(address), address
    name = ascii_name(text)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        # It ends in a number, so it is an address: in the one usual spelling, or refused.
        address = parse_address(name)
        if address is None:
            raise InvalidLocation()
        return str(address), address
    return name, None


def ascii_name(text: str) -> str:
    """
    A host name as DNS knows it.

    :raises InvalidLocation: when it is none.
    """
    if text.isascii():
        name = text.lower()
    else:
        # IDNA 2008 without any mapping: full-width digits, look-alikes of dots and what else
        # normalisation would turn into another host are refused.
        if not set(text).isdisjoint("\u3002\uff0e\uff61"):
            raise InvalidLocation()
        try:
            name = idna.encode(text).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise InvalidLocation() from None
    if len(name) > LONGEST_HOST or not all(map(_LABEL.fullmatch, name.split("."))):
        raise InvalidLocation()
    return name


def _authorization(user: str | None, password: str | None) -> bytes | None:
    if user is None or password is None:
        return None
    if not _USERINFO.fullmatch(user) or not _USERINFO.fullmatch(password):
        raise InvalidLocation()
    name, secret = unquote_to_bytes(user), unquote_to_bytes(password)
    if b":" in name or any(byte < 32 or byte == 127 for byte in name + secret):
        raise InvalidLocation()
    return b"Basic " + b64encode(name + b":" + secret)
