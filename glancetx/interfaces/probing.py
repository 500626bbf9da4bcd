"""What can be asked whether it could be used now."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface


class IProbed(Interface):
    """
    A store, registry or authenticator that can tell whether it would serve.

    Whatever does not provide this counts as ready.
    """

    def check_ready() -> Awaitable[None]:
        """
        Return when it could be used now.

        Cheap, and repeated every few seconds.
        It must end by itself, for it is not asked again before; when the daemon ends it is
        cancelled.

        :raises GlanceError: when it could not.
        """
