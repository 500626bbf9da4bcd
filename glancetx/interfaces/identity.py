"""What finds out who asks, and how it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

from glancetx.access import Identity


class IAuthenticator(Interface):
    """
    Finds out who sends a request.

    One that has a life of its own (files to watch, connections) also provides
    `twisted.application.service.IService`.
    """

    challenge: str | None = Attribute(
        "What a 401 says in WWW-Authenticate, or None when there is nothing to say."
    )

    def authenticate(headers: Mapping[str, str], peer: str | None) -> Awaitable[Identity]:
        """
        The identity behind a request.

        ``headers`` are the request's, by lower-case name with dashes, repeated ones joined by
        commas; ``peer`` is the address of whoever is connected, or None when it has none.
        An authenticator reads only the headers that are its own.
        What is asked for is there too, named as in HTTP/2: ``:method``, and ``:path`` as it is
        routed: decoded, and without the query.
        Credentials that are good for some requests only do not pass without them.

        :raises NotAuthenticated: when there are no credentials, or none that are valid.
        :raises NotAllowed: when they are valid, but for nothing that is done here.
        :raises IdentityUnavailable: when that cannot be found out now.
        """


class IAuthenticatorMaker(IPlugin):
    """What is looked up among the Twisted plugins: a kind of authenticator that can be made."""

    kind: str = Attribute("The first word of a description string that asks for it.")
    help: str = Attribute("Its description string and options, for --help-auth.")

    def make(reactor: object, *args: str, **options: str) -> IAuthenticator:
        """
        An authenticator from the arguments of its description string. Opens nothing yet.

        :raises ValueError: when the arguments make no sense; the text says what to write instead.
        """
