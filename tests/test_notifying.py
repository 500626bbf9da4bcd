"""Notifiers start and stop together."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.config import ConfigError, read_settings
from glancetx.deferreds import as_deferred
from glancetx.interfaces import INotifier, IReloadable
from glancetx.notifying import FAREWELL, Notifiers
from glancetx.parts import make_notifiers
from tests.told import Told


@implementer(INotifier, IReloadable)
class Slow(Service):
    """A notifier that ends when it is told to, and may have a bug."""

    def __init__(self, bug: Exception | None = None) -> None:
        self.ending: Deferred[None] = Deferred()
        self.reloads = 0
        self._bug = bug

    def notify(self, notification):
        raise AssertionError("unused")

    def stopService(self):
        super().stopService()
        if self._bug is not None:
            raise self._bug
        return self.ending

    async def reload(self):
        self.reloads += 1


class NotifiersTests(SynchronousTestCase):
    """Their life."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.slow = Slow()
        self.notifiers = Notifiers(self.clock, [Told(), self.slow], 5)
        self.notifiers.startService()

    def test_start(self) -> None:
        """Those that are services are started."""
        self.assertTrue(self.slow.running)

    def test_stop(self) -> None:
        """They are waited for."""
        stopping = self.notifiers.stopService()
        self.assertNoResult(stopping)
        self.slow.ending.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_time(self) -> None:
        """Those that need more time than there is are given up."""
        stopping = self.notifiers.stopService()
        self.clock.advance(4.9)
        self.assertNoResult(stopping)
        self.clock.advance(0.1)
        self.successResultOf(stopping)

    def test_farewell(self) -> None:
        """They never get longer than a farewell takes."""
        notifiers = Notifiers(self.clock, [self.slow], 3600)
        stopping = notifiers.stopService()
        self.clock.advance(FAREWELL)
        self.successResultOf(stopping)

    def test_cut(self) -> None:
        """Who is in a hurry does not wait, whether he says so before or then."""
        stopping = self.notifiers.stopService()
        self.notifiers.cut()
        self.successResultOf(stopping)
        later = Notifiers(self.clock, [Slow()], 5)
        later.cut()
        stopping = later.stopService()
        self.clock.advance(0)
        self.successResultOf(stopping)

    def test_bug(self) -> None:
        """One that cannot end keeps no other from it."""
        notifiers = Notifiers(self.clock, [Slow(RuntimeError("a bug")), self.slow], 5)
        stopping = notifiers.stopService()
        self.slow.ending.callback(None)
        self.successResultOf(stopping)

    def test_reload(self) -> None:
        """Those that have read files read them again."""
        self.successResultOf(as_deferred(self.notifiers.reload()))
        self.assertEqual(self.slow.reloads, 1)


class SettingsTests(SynchronousTestCase):
    """What an operator says of them."""

    def made(self, *descriptions: str) -> Notifiers:
        return make_notifiers(Clock(), read_settings({"notify": descriptions}))

    def test_none(self) -> None:
        """By default nobody is told."""
        self.assertEqual(self.made().notifiers, [])
        self.assertEqual(read_settings({}).default_publisher_id, "image.localhost")

    def test_several(self) -> None:
        """Each description is a notifier, by the command line or by the file."""
        found = self.made("log:", "webhook:http://h:8080/in:lanes=2", "log:")
        names = [type(each).__name__ for each in found.notifiers]
        self.assertEqual(names, ["LogNotifier", "Webhook", "LogNotifier"])
        path = self.mktemp()
        with open(path, "w") as file:
            file.write('notify = ["log:"]\ndefault_publisher_id = "image.here"')
        settings = read_settings({}, path)
        self.assertEqual(settings.notify, ("log:",))
        self.assertEqual(settings.default_publisher_id, "image.here")

    def test_mistakes(self) -> None:
        """A mistake is one sentence that tells what to write."""
        for description, fragment in (
            ("bus:", "installed: log, webhook"),
            ("webhook:", "url is missing (write webhook:URL[:OPTION=VALUE...]; --help-notify"),
            ("webhook:http://h:secret=x", "'secret' is not an option"),
            ("log:x", "one argument too many"),
            (":", "does not begin with a kind"),
        ):
            error = self.assertRaises(ConfigError, self.made, description)
            self.assertTrue(str(error).startswith("--notify "), error)
            self.assertIn(fragment, str(error))
