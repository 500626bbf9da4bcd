"""What makes stores, authenticators and notifiers has this in common."""

from __future__ import annotations

from twisted.plugin import IPlugin
from zope.interface import Attribute

from glancetx.arguments import Option


class IMaker(IPlugin):
    """What is looked up among the Twisted plugins: a kind of something that can be made."""

    kind: str = Attribute("The first word of a description string that asks for it.")
    help: str = Attribute("What it does, in a few words, for operators who choose.")
    options: tuple[Option, ...] = Attribute(
        "All that a description can tell it, those that may stand without a name in their order."
    )
