"""What finds out who asks, and how it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from zope.interface import Attribute, Interface

from glancetx.access import Identity
from glancetx.interfaces.makers import IMaker


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


class IAuthenticatorMaker(IMaker):
    """A kind of authenticator that can be made."""

    def make(reactor: object, **options: str) -> IAuthenticator:
        """
        An authenticator that has been told this. Opens nothing yet.

        The names are among those of ``options``, and those without a default are there.

        :raises ValueError: when what it is told makes no sense; the text says why.
        """
