"""Property protection files: what they mean, and what is refused."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Caller, Identity
from glancetx.policy.enforcer import Policy
from glancetx.policy.file import BadPolicy
from glancetx.policy.protections_file import read_protections
from glancetx.policy.rules import compile_rules

RULES = compile_rules({"owners": "project_id:t1", "target": "'x':%(x)s"})


def section(name="^a", **values):
    operations = {"create": "@", "read": "@", "update": "@", "delete": "@", **values}
    lines = [f"{key} = {value}" for key, value in operations.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def read(text, rule_format="roles"):
    return read_protections(text.encode(), rule_format, Policy(lambda: RULES))


def caller(*roles, project="t1"):
    identity = Identity(user="u", project=project, roles=frozenset(roles))
    return Caller(identity=identity, owner=project, is_authenticated=True)


class RoleTests(SynchronousTestCase):
    """Values that are roles."""

    def may_read(self, value, *roles):
        return read(section(read=value)).allow("read", "a", caller(*roles))

    def test_roles(self):
        """Any role of the list will do, in any case and with blanks; without any nobody passes."""
        self.assertTrue(self.may_read("member, Admin", "admin"))
        self.assertTrue(self.may_read(" member,,admin ", "x", "member"))
        self.assertFalse(self.may_read("member,admin", "adm"))
        self.assertFalse(self.may_read("", "admin"))

    def test_everybody_and_nobody(self):
        """``@`` is everybody and ``!`` nobody, also among roles."""
        self.assertTrue(self.may_read("@"))
        self.assertTrue(self.may_read("admin,@"))
        self.assertFalse(self.may_read("!", "admin"))
        self.assertFalse(self.may_read("admin,!", "admin"))


class RuleTests(SynchronousTestCase):
    """Values that are rules of the policy file."""

    def may_read(self, value, project):
        found = read(section(read=value), "policies")
        return found.allow("read", "a", caller(project=project))

    def test_rules(self):
        """The rule is asked without a target."""
        self.assertTrue(self.may_read("owners", "t1"))
        self.assertFalse(self.may_read("owners", "t2"))
        self.assertFalse(self.may_read("target", "t1"))
        self.assertTrue(self.may_read("@", "t2"))
        self.assertFalse(self.may_read("!", "t1"))

    def test_refused(self):
        """It is one rule, and one that is there."""
        for value, words in {
            "owners, target": "must be one rule",
            "": "must be one rule",
            "strangers": "names the rule 'strangers'",
        }.items():
            error = self.assertRaises(BadPolicy, self.may_read, value, "t1")
            self.assertIn(words, str(error))


class SectionTests(SynchronousTestCase):
    """Which section is meant."""

    def test_found_anywhere(self):
        """An expression need not fit the whole key, nor its beginning."""
        found = read(section("b+"))
        self.assertTrue(found.allow("read", "abba", caller()))
        self.assertFalse(found.allow("read", "aa", caller()))

    def test_order(self):
        """The first section decides, each key anew (R8)."""
        found = read(section("^a_secret", read="!") + section("^a", read="@"))
        for key, is_allowed in {"a_secret": False, "a_b": True, "a_secrets": False}.items():
            for _ in range(2):
                self.assertIs(found.allow("read", key, caller()), is_allowed)

    def test_brackets(self):
        """An expression may have brackets and percent signs."""
        found = read(section("^[ab]%[0-9]$"))
        self.assertTrue(found.allow("read", "b%7", caller()))

    def test_no_sections(self):
        """An empty file allows everything."""
        for text in ("", "# nothing\n"):
            self.assertTrue(read(text).allow("delete", "x", caller()))

    def test_long_keys(self):
        """A key that no image can have is not matched, whatever the expression."""
        found = read(section(""".*"""))
        self.assertTrue(found.allow("read", "a" * 255, caller()))
        self.assertFalse(found.allow("read", "a" * 256, caller()))

    def test_many_keys(self):
        """What is remembered of keys has an end."""
        found = read(section("^a"))
        for number in range(5000):
            self.assertTrue(found.allow("read", f"a{number}", caller()))
        self.assertLessEqual(len(found._known), 4096)


class RefusalTests(SynchronousTestCase):
    """Files that the daemon does not start with."""

    def test_refused(self):
        """Each mistake has a sentence."""
        for text, words in {
            section(read=None): "[^a] does not say who may read",
            section("^(a"): "[^(a] is no regular expression",
            section(read="@,!"): "[^a] read has both @ and !",
            section() + section(): "no INI file",
            "read = @": "no INI file",
            "[^a]\nnonsense\n": "no INI file",
        }.items():
            self.assertIn(words, str(self.assertRaises(BadPolicy, read, text)))

    def test_bytes(self):
        """It is text in UTF-8."""
        for rule_format in ("roles", "policies"):
            error = self.assertRaises(BadPolicy, read_protections, b"[\xff]", rule_format, Policy())
            self.assertIn("not UTF-8", str(error))
