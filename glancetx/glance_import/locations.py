"""Glance's locations, which are URLs, and ours, which are stores and their keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from glancetx.errors import GlanceError
from glancetx.glance_import.records import CannotImport
from glancetx.image import Location
from glancetx.shelf import Shelf

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)

#: What lies below the prefix of a rule must be the name of one image, and lead nowhere else.
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}", re.ASCII)

#: Schemes that mean the same to Glance.
_SAME = {"filesystem": "file"}


@frozen
class Rule:
    """What lies below ``prefix``, a URL without credentials, lies in our ``store``."""

    prefix: str
    store: str


def read_rule(text: str) -> Rule:
    """
    A rule from ``URL=STORE``, as in ``file:///var/lib/glance/images=main``.

    :raises ValueError: when it is none; the text does not repeat what may be a secret.
    """
    prefix, equals, store = text.rpartition("=")
    if not equals or not store or not _SCHEME.match(prefix):
        raise ValueError(
            "--map must be URL=STORE, as in file:///var/lib/glance/images=main; the URL is what "
            "locations in Glance begin with, without credentials"
        )
    return Rule(_bare(prefix).rstrip("/") + "/", store)


@frozen
class Locations:
    """Translates by ``rules``, the first that fits, and by what the stores of ``shelf`` say."""

    _shelf: Shelf
    _rules: Sequence[Rule]

    def __attrs_post_init__(self) -> None:
        """
        :raises ValueError: when a rule names a store that is not there.
        """
        known = {shelved.name for shelved in self._shelf}
        for rule in self._rules:
            if rule.store not in known:
                raise ValueError(
                    f"--map: there is no store {rule.store!r}, only {', '.join(sorted(known))}"
                )

    def ours(self, url: str) -> Location:
        """
        Where the bytes are that Glance has at this URL.

        :raises CannotImport: when no store of ours has them; the text shows no credentials.
        """
        scheme = _SCHEME.match(url)
        if scheme is None:
            raise CannotImport(
                "its location is encrypted: decrypt it first, by Glance's metadata_encryption_key"
            )
        bare = _bare(url)
        for rule in self._rules:
            if bare.startswith(rule.prefix):
                return Location(rule.store, _key(bare.removeprefix(rule.prefix)))
        if scheme[1].lower() in ("http", "https"):
            return self._external(url)
        raise CannotImport(f"no --map fits its location in {_directory(bare)}")

    def _external(self, url: str) -> Location:
        """What lies on a web server is read from there, as far as we may."""
        try:
            shelved = self._shelf.foreign(url)
            if shelved.foreign is not None:
                shelved.foreign.check(url)
        except GlanceError:
            raise CannotImport(
                f"no store of kind http: may read its location on {_directory(_bare(url))}"
            ) from None
        return Location(shelved.name, url)


def _bare(url: str) -> str:
    """
    A URL without credentials.

    A secret may have slashes that nobody has escaped, while names of images have no @.
    """
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    return f"{_SAME.get(scheme, scheme)}://{rest.rpartition('@')[2]}"


def _key(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CannotImport("what lies at its location is not named as an image")
    return name


def _directory(bare: str) -> str:
    """What stands before the name in a URL without credentials."""
    return bare.partition("?")[0].rpartition("/")[0]
