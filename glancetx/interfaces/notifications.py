"""What is told of what happens to images, and tells others."""

from __future__ import annotations

from zope.interface import Interface

from glancetx.interfaces.makers import IMaker
from glancetx.notification import Notification


class INotifier(Interface):
    """
    Tells others of what happens to images.

    One that has a life of its own (connections, a queue) also provides
    `twisted.application.service.IService`.
    It is started before the first notification and stopped after the last.
    A Deferred that its ``stopService`` returns is cancelled when there is no more time: then it
    gives up whatever it has not told yet.
    One that reads files which operators change also provides `glancetx.interfaces.IReloadable`.
    """

    def notify(notification: Notification) -> None:
        """
        Take a notification over, and return at once.

        The notifications of one image come in the order of what happened, as far as this process
        has seen it, and are to be told in that order.
        Somebody waits for the answer to his request meanwhile: what takes time is done later, and
        what is kept for that must not grow without bound.
        Whatever is raised is logged, and changes nothing.
        """


class INotifierMaker(IMaker):
    """A kind of notifier that can be made."""

    def make(reactor: object, **options: str) -> INotifier:
        """
        A notifier that has been told this. Opens nothing yet.

        The names are among those of ``options``, and those without a default are there.

        :raises ValueError: when what it is told makes no sense; the text says why.
        """
