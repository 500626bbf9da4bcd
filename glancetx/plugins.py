"""
How a store, an authenticator or a notifier is installed: one line in a module under
``twisted/plugins``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen
from twisted.plugin import IPlugin, getPlugins
from twisted.python.reflect import namedAny
from zope.interface import implementer

from glancetx.arguments import Option, bind, explain, form_of
from glancetx.description import Description
from glancetx.interfaces import (
    IAuthenticator,
    IAuthenticatorMaker,
    IMaker,
    INotifier,
    INotifierMaker,
    IReadableStore,
    IStoreMaker,
)

__all__ = [
    "AuthenticatorMaker",
    "BadAuthenticator",
    "BadNotifier",
    "BadStore",
    "NotifierMaker",
    "Option",
    "StoreMaker",
    "explain_all",
    "installed_authenticators",
    "installed_notifiers",
    "installed_stores",
    "open_authenticator",
    "open_notifier",
    "open_store",
]


class BadStore(ValueError):
    """A store that cannot be had; the text says what the operator should write instead."""


class BadAuthenticator(ValueError):
    """An authenticator that cannot be had; the text says what the operator should write instead."""


class BadNotifier(ValueError):
    """A notifier that cannot be had; the text says what the operator should write instead."""


@implementer(IPlugin, IStoreMaker)
@frozen
class StoreMaker:
    """
    Makes a store from its description string, importing its module only then.

    ``factory`` is a dotted name; it is called as ``factory(reactor, **options)``, where all
    options are strings, and only those are there that the operator has given.
    It raises ValueError when they make no sense.
    ``help`` says in a few words what such a store does.
    ``options`` are all that there are: with others the factory is never called, nor without those
    that have no default.
    ``schemes`` are further names under which API users may ask for this kind.
    """

    kind: str
    factory: str
    help: str
    options: tuple[Option, ...] = field(default=(), kw_only=True)
    foreign: bool = field(default=False, kw_only=True)
    schemes: tuple[str, ...] = field(default=(), kw_only=True)

    def make(self, reactor: object, **options: str) -> IReadableStore:
        return IReadableStore(namedAny(self.factory)(reactor, **options))


@implementer(IPlugin, IAuthenticatorMaker)
@frozen
class AuthenticatorMaker:
    """
    Makes an authenticator from its description string, importing its module only then.

    All attributes are as those of a `StoreMaker`.
    """

    kind: str
    factory: str
    help: str
    options: tuple[Option, ...] = field(default=(), kw_only=True)

    def make(self, reactor: object, **options: str) -> IAuthenticator:
        return IAuthenticator(namedAny(self.factory)(reactor, **options))


@implementer(IPlugin, INotifierMaker)
@frozen
class NotifierMaker:
    """
    Makes a notifier from its description string, importing its module only then.

    All attributes are as those of a `StoreMaker`.
    """

    kind: str
    factory: str
    help: str
    options: tuple[Option, ...] = field(default=(), kw_only=True)

    def make(self, reactor: object, **options: str) -> INotifier:
        return INotifier(namedAny(self.factory)(reactor, **options))


def installed_stores() -> dict[str, IStoreMaker]:
    """Every kind of store that is installed, ours and third parties', by kind."""
    return {maker.kind: maker for maker in getPlugins(IStoreMaker)}


def installed_authenticators() -> dict[str, IAuthenticatorMaker]:
    """Every kind of authenticator that is installed, ours and third parties', by kind."""
    return {maker.kind: maker for maker in getPlugins(IAuthenticatorMaker)}


def installed_notifiers() -> dict[str, INotifierMaker]:
    """Every kind of notifier that is installed, ours and third parties', by kind."""
    return {maker.kind: maker for maker in getPlugins(INotifierMaker)}


def explain_all(makers: Mapping[str, IMaker]) -> str:
    """What kinds there are, by name, and what each of them can be told: for operators."""
    return "\n\n".join(
        explain(kind, maker.help, maker.options) for kind, maker in sorted(makers.items())
    )


def open_store(
    reactor: object, description: Description, makers: Iterable[IStoreMaker]
) -> tuple[IStoreMaker, IReadableStore]:
    """
    The store that a description asks for, and what made it.

    :raises BadStore: when no such kind is installed, or its options make no sense.
    """
    by_kind = {maker.kind: maker for maker in makers}
    maker = by_kind.get(description.kind)
    if maker is None:
        raise BadStore(f"no store of kind {_unknown(description, by_kind)}")
    try:
        return maker, maker.make(reactor, **bind(description, maker.options))
    except ValueError as error:
        raise BadStore(
            f"the store {description.name!r} cannot be made: {error} "
            f"(write {form_of(maker.kind, maker.options)}; --help-stores tells more)"
        ) from error


def open_authenticator(
    reactor: object, description: Description, makers: Iterable[IAuthenticatorMaker]
) -> IAuthenticator:
    """
    The authenticator that a description asks for.

    :raises BadAuthenticator: when no such kind is installed, or its options make no sense.
    """
    return IAuthenticator(_open(reactor, description, makers, BadAuthenticator, "--help-auth"))


def open_notifier(
    reactor: object, description: Description, makers: Iterable[INotifierMaker]
) -> INotifier:
    """
    The notifier that a description asks for.

    :raises BadNotifier: when no such kind is installed, or its options make no sense.
    """
    return INotifier(_open(reactor, description, makers, BadNotifier, "--help-notify"))


def _open(
    reactor: object,
    description: Description,
    makers: Iterable[Any],
    bad: type[ValueError],
    help_option: str,
) -> object:
    """What is known by its kind alone; ``bad`` is raised when it cannot be had."""
    by_kind = {maker.kind: maker for maker in makers}
    maker = by_kind.get(description.kind)
    if maker is None:
        raise bad(f"no kind {_unknown(description, by_kind)}")
    try:
        return maker.make(reactor, **bind(description, maker.options))
    except ValueError as error:
        raise bad(
            f"{description.kind!r} cannot be used: {error} "
            f"(write {form_of(maker.kind, maker.options)}; {help_option} tells more)"
        ) from error


def _unknown(description: Description, by_kind: Mapping[str, object]) -> str:
    known = ", ".join(sorted(by_kind)) or "none"
    return f"{description.kind!r} is installed (installed: {known})"
