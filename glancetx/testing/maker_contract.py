"""
What the maker of a store, an authenticator or a notifier promises: to tell operators the truth.

::

    class AtticMakerTests(MakerContract, SynchronousTestCase):
        maker = acme_stores.attic

``SynchronousTestCase`` is `twisted.trial.unittest.SynchronousTestCase`.
"""

from __future__ import annotations

from collections import Counter
from inspect import Parameter, signature
from keyword import iskeyword
from typing import TYPE_CHECKING

from twisted.python.reflect import namedAny
from zope.interface.verify import verifyObject

from glancetx.interfaces import IAuthenticatorMaker, INotifierMaker, IStoreMaker
from glancetx.plugins import AuthenticatorMaker, NotifierMaker, StoreMaker

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

#: What a table of the configuration file says of itself.
TAKEN = frozenset({"kind", "name"})

INTERFACES = {
    StoreMaker: IStoreMaker,
    AuthenticatorMaker: IAuthenticatorMaker,
    NotifierMaker: INotifierMaker,
}


class MakerContract(SynchronousTestCase):
    """What every `glancetx.plugins.StoreMaker` promises, and every other maker there."""

    maker: StoreMaker | AuthenticatorMaker | NotifierMaker

    def parameters(self) -> dict[str, Parameter]:
        """What the factory takes besides the reactor, by name."""
        parameters = list(signature(namedAny(self.maker.factory)).parameters.values())
        return {each.name: each for each in parameters[1:]}

    def test_interface(self) -> None:
        """It provides the whole interface, and is found by one word."""
        verifyObject(INTERFACES[type(self.maker)], self.maker)
        self.assertRegex(self.maker.kind, r"\A[A-Za-z0-9_.+-]+\Z")

    def test_words(self) -> None:
        """All that operators read is there, and stands in one line each."""
        options = self.maker.options
        for text in (self.maker.help, *(option.help for option in options)):
            self.assertRegex(text, r"\A\S.*\S\Z", "a line is empty, or more than one")
        for option in options:
            self.assertNotEqual(option.default, "", f"{option.name}: say what no value means")

    def test_names(self) -> None:
        """Each option has a name of its own, which can stand in the configuration file."""
        names = Counter(option.name for option in self.maker.options)
        self.assertEqual([name for name, count in names.items() if count > 1], [])
        for name in names:
            self.assertTrue(name.isidentifier() and not iskeyword(name), name)
            self.assertNotIn(name, TAKEN)

    def test_positional(self) -> None:
        """Options without names are unmistakable: required ones first, what takes all last."""
        positional = [option for option in self.maker.options if option.positional]
        required = [option.is_required for option in positional]
        self.assertEqual(required, sorted(required, reverse=True))
        self.assertFalse(any(option.takes_rest for option in positional[:-1]))
        named = [option for option in self.maker.options if not option.positional]
        self.assertFalse(any(option.takes_rest for option in named))

    def test_same_as_factory(self) -> None:
        """The factory takes these options and no others, and lacks a default where they do."""
        parameters = self.parameters()
        self.assertEqual(sorted(parameters), sorted(option.name for option in self.maker.options))
        for option in self.maker.options:
            is_required = parameters[option.name].default is Parameter.empty
            self.assertIs(option.is_required, is_required, option.name)

    def test_defaults(self) -> None:
        """A default that the factory has as a text is told as it is; an empty one in words."""
        for option in self.maker.options:
            default = self.parameters()[option.name].default
            if isinstance(default, str) and default:
                self.assertEqual(option.default, default, option.name)
