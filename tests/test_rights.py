"""Settings → policy and protections, and files of them that change."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Caller
from glancetx.config import ConfigError, Settings
from glancetx.policy.protections import OPERATIONS, Protections
from glancetx.rights import make_rights
from glancetx.testing.threads import InlineThreads

SOMEBODY = Caller(is_authenticated=True)
OPEN, CLOSED = "get_images: '@'\n", "get_images: '!' # closed\n"


class RightsCase(SynchronousTestCase):
    """Rights by files of a test."""

    def setUp(self):
        self.clock = Clock()
        self.path = Path(self.mktemp())
        self.path.write_text(OPEN)

    def rights(self, **values):
        settings = Settings(data=Path("."), listen=(), **values)
        return make_rights(self.clock, settings, InlineThreads())

    def watched(self, **values):
        """Rights whose files are read again when they change."""
        rights = self.rights(**values)
        rights.files.startService()
        self.addCleanup(rights.files.stopService)
        return rights

    def pass_time(self):
        for _ in range(3):
            self.clock.advance(1)

    def refused(self, **values):
        """The sentence by which these settings are refused."""
        return str(self.assertRaises(ConfigError, self.rights, **values))


class ReloadTests(RightsCase):
    """A policy file changes while the daemon runs."""

    def setUp(self):
        super().setUp()
        self.policy = self.watched(policy_file=str(self.path)).policy

    def is_open(self):
        return self.policy.allows("get_images", SOMEBODY)

    def test_changed(self):
        """New rules are in force a moment later."""
        self.assertTrue(self.is_open())
        self.path.write_text(CLOSED)
        self.assertTrue(self.is_open())
        self.pass_time()
        self.assertFalse(self.is_open())

    def test_broken(self):
        """What cannot be understood is told of, and the old rules stay until it can be."""
        self.path.write_text("get_images: http://example.com/")
        self.pass_time()
        self.assertTrue(self.is_open())
        self.path.unlink()
        self.pass_time()
        self.assertTrue(self.is_open())
        self.path.write_text(CLOSED)
        self.pass_time()
        self.assertFalse(self.is_open())


class ReloadProtectionsTests(RightsCase):
    """A file of protections changes while the daemon runs."""

    def setUp(self):
        super().setUp()
        self.closing = Path(self.mktemp())

    def watched_both(self):
        return self.watched(
            policy_file=str(self.path),
            property_protection_file=str(self.closing),
            property_protection_rule_format="policies",
        )

    def protect(self, reader):
        lines = (f"{each} = {reader}\n" for each in OPERATIONS)
        self.closing.write_text("[.*]\n" + "".join(lines))

    def may_read(self, rights):
        return rights.protections().allow("read", "x", SOMEBODY)

    def test_changed(self):
        """New protections are in force a moment later, and broken ones change nothing."""
        self.protect("@")
        rights = self.watched(property_protection_file=str(self.closing))
        self.assertTrue(self.may_read(rights))
        self.closing.write_text("[.*]\n")
        self.pass_time()
        self.assertTrue(self.may_read(rights))
        self.protect("!")
        self.pass_time()
        self.assertFalse(self.may_read(rights))
        self.assertFalse(rights.policy.allows("publicize_image", SOMEBODY))

    def test_rules(self):
        """They may name a rule that comes with them, and whose check changes later."""
        self.protect("@")
        rights = self.watched_both()
        self.protect("bosses")
        self.path.write_text("bosses: '!'")
        self.pass_time()
        self.assertFalse(self.may_read(rights))
        self.path.write_text("bosses: '@' # by now")
        self.pass_time()
        self.assertTrue(self.may_read(rights))

    def test_rule_goes(self):
        """A rule that they name is not taken away from below them."""
        self.path.write_text("bosses: '@'")
        self.protect("bosses")
        rights = self.watched_both()
        self.path.write_text(CLOSED)
        self.pass_time()
        self.assertTrue(self.may_read(rights))
        self.assertTrue(rights.policy.has("bosses"))


class StartTests(RightsCase):
    """Mistakes that are found before the daemon starts."""

    def test_no_files(self):
        """Without files the rules are as shipped, and properties are open."""
        rights = self.rights()
        self.assertIsNone(rights.files)
        self.assertEqual(rights.protections(), Protections())
        self.assertFalse(rights.policy.allows("publicize_image", SOMEBODY))

    def test_policy_file(self):
        """A policy file must be there, and make sense."""
        self.assertIn("cannot be read: No such file", self.refused(policy_file="absent.yaml"))
        self.path.write_text("get_image: oops")
        sentence = self.refused(policy_file=str(self.path))
        self.assertIn("the rule 'get_image' has 'oops'", sentence)
        self.assertIn(str(self.path), sentence)

    def test_protections(self):
        """So must a file of protections, and the format of its rules."""
        sentence = self.refused(property_protection_file="absent.conf")
        self.assertIn("absent.conf cannot be read: No such file", sentence)
        sentence = self.refused(property_protection_file=str(self.path))
        self.assertIn("is refused: the property protection file: it is no INI file", sentence)
        sentence = self.refused(property_protection_rule_format="rules")
        self.assertIn("must be roles or policies, not 'rules'", sentence)

    def test_both(self):
        """Protections may name rules of the policy file."""
        self.path.write_text("bosses: role:boss")
        protections = Path(self.mktemp())
        lines = (f"{each} = bosses\n" for each in ("create", "read", "update", "delete"))
        protections.write_text("[.*]\n" + "".join(lines))
        rights = self.rights(
            policy_file=str(self.path),
            property_protection_file=str(protections),
            property_protection_rule_format="policies",
        )
        self.assertFalse(rights.protections().allow("read", "x", SOMEBODY))
