"""Who may create, read, change and delete which properties of images (contract §9.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Protocol

from attrs import evolve, field, frozen

from glancetx.access import OPERATOR, Caller
from glancetx.change import Change
from glancetx.errors import Refused
from glancetx.image import Image

OPERATIONS = ("create", "read", "update", "delete")

#: Keys are not longer than this many characters: none other are matched with expressions.
LONGEST_KEY = 255


class PropertyProtected(Refused):
    def __init__(self, key: str) -> None:
        super().__init__(f"Property '{key}' is protected")
        self.key = key


class Permit(Protocol):
    """Whether a caller may do one thing to the properties of one section."""

    def __call__(self, caller: Caller) -> bool: ...


@frozen
class Section:
    """An expression for keys, and who may do what to the properties that it is found in."""

    expression: re.Pattern[str]
    permits: Mapping[str, Permit]


@frozen
class Protections:
    """
    The sections of a file, in order; without any everything is allowed.

    The first one whose expression is found anywhere in a key decides, and a key in none is closed
    to everybody.
    Which one that is, is remembered for some thousand keys.
    """

    _sections: tuple[Section, ...] = ()
    _known: dict[str, Section | None] = field(factory=dict, init=False, eq=False)

    def allow(self, operation: str, key: str, caller: Caller) -> bool:
        """Whether the caller may do it to a property; ``operation`` is one of `OPERATIONS`."""
        if not self._sections or caller == OPERATOR:
            return True
        section = self._section(key)
        return section is not None and section.permits[operation](caller)

    def readable(self, caller: Caller, image: Image) -> Image:
        """The image without the properties that the caller may not read."""
        if not self._sections:
            return image
        properties = {
            key: value for key, value in image.properties.items() if self.allow("read", key, caller)
        }
        return evolve(image, properties=properties)

    def check_create(self, caller: Caller, properties: Mapping[str, str | None]) -> None:
        """
        :raises PropertyProtected: when a new image may not have one of these.
        """
        for key in properties:
            self._check("create", key, caller)

    def revise(self, caller: Caller, image: Image, change: Change) -> Change:
        """
        The change, as far as the image's properties are the caller's to change.

        A purge silently keeps those that he cannot read.

        :raises PropertyProtected: when he may not do to one of them what he asks for.
        """
        if not self._sections:
            return change
        old, new = image.properties, change.properties
        for key, value in new.items():
            if key not in old:
                self._check("create", key, caller)
                continue
            self._check("read", key, caller)
            if value != old[key]:
                self._check("update", key, caller)
        if not change.purge:
            return change
        kept = {key: value for key, value in old.items() if not self.allow("read", key, caller)}
        for key in old.keys() - new.keys() - kept.keys():
            self._check("delete", key, caller)
        return evolve(change, properties={**kept, **new})

    def _check(self, operation: str, key: str, caller: Caller) -> None:
        if not self.allow(operation, key, caller):
            raise PropertyProtected(key)

    def _section(self, key: str) -> Section | None:
        if len(key) > LONGEST_KEY:
            return None
        if key not in self._known:
            if len(self._known) >= 4096:
                self._known.clear()
            found = (each for each in self._sections if each.expression.search(key))
            self._known[key] = next(found, None)
        return self._known[key]


@cache
def unprotected() -> Protections:
    """What is in force without any file: everybody may do everything."""
    return Protections()
