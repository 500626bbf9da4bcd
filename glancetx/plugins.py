"""
How a store or an authenticator is installed: one line in a module under ``twisted/plugins``.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen
from twisted.plugin import IPlugin, getPlugins
from twisted.python.reflect import namedAny
from zope.interface import implementer

from glancetx.description import Description
from glancetx.interfaces import (
    IAuthenticator,
    IAuthenticatorMaker,
    IReadableStore,
    IStoreMaker,
)


class BadStore(ValueError):
    """A store that cannot be had; the text says what the operator should write instead."""


class BadAuthenticator(ValueError):
    """An authenticator that cannot be had; the text says what the operator should write instead."""


@implementer(IPlugin, IStoreMaker)
@frozen
class StoreMaker:
    """
    Makes a store from its description string, importing its module only then.

    ``factory`` is a dotted name; it is called as ``factory(reactor, *args, **options)``, where
    all arguments are the strings of the description.
    It raises ValueError when they make no sense.
    ``schemes`` are further names under which API users may ask for this kind.
    """

    kind: str
    factory: str
    help: str
    foreign: bool = field(default=False, kw_only=True)
    schemes: tuple[str, ...] = field(default=(), kw_only=True)

    def make(self, reactor: object, *args: str, **options: str) -> IReadableStore:
        return IReadableStore(namedAny(self.factory)(reactor, *args, **options))


@implementer(IPlugin, IAuthenticatorMaker)
@frozen
class AuthenticatorMaker:
    """
    Makes an authenticator from its description string, importing its module only then.

    ``factory`` is a dotted name; it is called as that of a `StoreMaker`.
    """

    kind: str
    factory: str
    help: str

    def make(self, reactor: object, *args: str, **options: str) -> IAuthenticator:
        return IAuthenticator(namedAny(self.factory)(reactor, *args, **options))


def installed_stores() -> dict[str, IStoreMaker]:
    """Every kind of store that is installed, ours and third parties', by kind."""
    return {maker.kind: maker for maker in getPlugins(IStoreMaker)}


def installed_authenticators() -> dict[str, IAuthenticatorMaker]:
    """Every kind of authenticator that is installed, ours and third parties', by kind."""
    return {maker.kind: maker for maker in getPlugins(IAuthenticatorMaker)}


def open_store(
    reactor: object, description: Description, makers: Iterable[IStoreMaker]
) -> tuple[IStoreMaker, IReadableStore]:
    """
    The store that a description asks for, and what made it.

    :raises BadStore: when no such kind is installed, or its arguments make no sense.
    """
    by_kind = {maker.kind: maker for maker in makers}
    maker = by_kind.get(description.kind)
    if maker is None:
        known = ", ".join(sorted(by_kind)) or "none"
        raise BadStore(f"no store of kind {description.kind!r} is installed (installed: {known})")
    try:
        return maker, maker.make(reactor, *description.args, **description.options)
    except TypeError as error:
        # Python's own words for an argument too many or too few mean nothing to an operator.
        raise BadStore(
            f"the store {description.name!r} takes other arguments: write {maker.help}"
        ) from error
    except ValueError as error:
        raise BadStore(
            f"the store {description.name!r} cannot be made: {error} (write {maker.help})"
        ) from error


def open_authenticator(
    reactor: object, description: Description, makers: Iterable[IAuthenticatorMaker]
) -> IAuthenticator:
    """
    The authenticator that a description asks for.

    :raises BadAuthenticator: when no such kind is installed, or its arguments make no sense.
    """
    by_kind = {maker.kind: maker for maker in makers}
    maker = by_kind.get(description.kind)
    if maker is None:
        known = ", ".join(sorted(by_kind)) or "none"
        raise BadAuthenticator(f"no kind {description.kind!r} is installed (installed: {known})")
    try:
        return maker.make(reactor, *description.args, **description.options)
    except TypeError as error:
        raise BadAuthenticator(
            f"{description.kind!r} takes other arguments: write {maker.help}"
        ) from error
    except ValueError as error:
        raise BadAuthenticator(
            f"{description.kind!r} cannot be used: {error} (write {maker.help})"
        ) from error
