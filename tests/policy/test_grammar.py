"""What is refused when a policy file is read, and with which words."""

from twisted.trial.unittest import SynchronousTestCase

from glancetx.policy.grammar import BadRule
from glancetx.policy.rules import compile_rules


class RefusalTests(SynchronousTestCase):
    """Rules that would fail later, or do what must not be done."""

    def assert_refused(self, rule, words):
        """The sentence names the rule and has these words."""
        error = self.assertRaises(BadRule, compile_rules, {"get_image": rule})
        self.assertIn("the rule 'get_image' ", str(error))
        self.assertIn(words, str(error))

    def test_other_servers(self):
        """Other servers are not asked."""
        for rule in ("http://policy.example/%(name)s", "role:admin or https:x", [["http:x"]]):
            self.assert_refused(rule, "other servers are not asked")

    def test_unknown_kinds(self):
        """A kind that is neither a check, nor known of callers, nor a literal, is a mistake."""
        for rule in ("rol:admin", "user.name:x", "token.project.id:x", "[:x", "'x:y':z", "f():x"):
            self.assert_refused(rule, "of the unknown kind")

    def test_no_rules(self):
        """What is no rule of the language says why."""
        for rule, words in {
            "admin": "a check has a colon",
            " ": "ends where a check is missing",
            "@ and": "ends where a check is missing",
            "not": "ends where a check is missing",
            "or @": "has 'or' where a check is missing",
            "()": "has ')' where a check is missing",
            "@ @": "has '@' where it should end",
            "@)": "has ')' where it should end",
            "(@": "lacks a closing bracket",
            "'admin'": "is a text and no check",
            "user_id:%(owner)d": "only %(key)s may follow a percent sign",
            "user_id:100%": "only %(key)s may follow a percent sign",
            "role:%s": "only %(key)s may follow a percent sign",
            "(" * 5000 + "@" + ")" * 5000: "is nested too deeply",
        }.items():
            self.assert_refused(rule, words)

    def test_other_values(self):
        """A rule is a text or a list of texts and lists of texts."""
        for value in (None, True, 5, {"role": "admin"}):
            self.assert_refused(value, "must be a text or a list")
        for rule in ([5], [["@", 5]], [[["@"]]], [{"role": "admin"}]):
            self.assert_refused(rule, "a list of something else")


class ReferenceTests(SynchronousTestCase):
    """Rules that name each other."""

    def refused(self, rules):
        return str(self.assertRaises(BadRule, compile_rules, rules))

    def test_absent(self):
        """A rule that is named must be there."""
        self.assertEqual(
            self.refused({"get_image": "@ or not (rule:own and @)"}),
            "the rule 'get_image' refers to 'own', which is not there",
        )

    def test_shipped(self):
        """Those that the file leaves out are there."""
        rules = compile_rules({"get_image": "rule:context_is_admin"})
        self.assertFalse(rules.allow("get_image", {"roles": ["member"]}, {}))
        self.assertTrue(rules.allow("get_image", {"roles": ["admin"]}, {}))

    def test_circles(self):
        """No rule leads back to itself, not even by way of the default rule."""
        self.assertIn("in a circle: a → b → a", self.refused({"a": "rule:b", "b": "@ or rule:a"}))
        self.assertIn("in a circle", self.refused({"default": "rule:get_images"}))

    def test_names(self):
        """A name is a text: YAML knows others."""
        self.assertIn("the name True of a rule", self.refused({True: "@"}))


class LeftOutTests(SynchronousTestCase):
    """Rules that a file does not have."""

    def passing(self, rules, *roles):
        compiled = compile_rules(rules)
        return {
            name
            for name in ("get_image", "publicize_image", "context_is_admin")
            if compiled.allow(name, {"roles": list(roles)}, {})
        }

    def test_shipped(self):
        """Without a default rule they are as shipped."""
        self.assertEqual(self.passing({}), {"get_image"})
        self.assertEqual(len(self.passing({}, "Admin")), 3)

    def test_default(self):
        """The file's default rule stands for them."""
        self.assertEqual(self.passing({"default": "role:member"}), set())
        self.assertEqual(self.passing({"default": "role:member"}, "member"), {"get_image"})

    def test_default_opens_nothing(self):
        """A default for everybody leaves to admins what is theirs; one for nobody closes it."""
        self.assertEqual(self.passing({"default": ""}), {"get_image"})
        self.assertEqual(self.passing({"default": "!"}, "admin"), set())
        self.assertEqual(len(self.passing({"default": ""}, "admin")), 3)
