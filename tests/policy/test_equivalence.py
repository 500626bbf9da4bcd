"""Our engine decides as oslo.policy does, on a table and on rules that nobody thought of."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.policy.grammar import ATTRIBUTES, BadRule
from glancetx.policy.rules import compile_rules
from tests.policy.oracle import Oracle

CALLERS: tuple[dict[str, Any], ...] = (
    {"roles": []},
    {"roles": ["admin"], "is_admin": True, "user_id": "u1", "project_id": "t1", "tenant": "t1"},
    {"roles": ["Member", "reader"], "is_admin": False, "user_id": "u2", "project_id": "t2"},
    {"roles": ["member"], "user_id": "u1", "tenant": "t2", "user": "u1", "is_admin": False},
)
TARGETS: tuple[dict[str, Any], ...] = (
    {},
    {"owner": "t1", "disk_format": "raw", "is_public": True, "size": 5, "wanted_role": "ADMIN"},
    {"owner": None, "disk_format": "qcow2", "is_public": False, "user_id": "u2", "odd key": "t2"},
    {"owner": "t2", "project_id": "t2", "disk_format": None, "wanted_role": "member"},
)
OTHERS: dict[str, Any] = {
    "admin_required": "role:admin or is_admin:True",
    "owner": "tenant:%(owner)s or project_id:%(owner)s",
    "admin_or_owner": "rule:admin_required or rule:owner",
    "nobody": "!",
    "old": [["role:admin"], ["role:member", "user_id:u1"]],
}
TABLE = (
    *("", "@", "!", "not @", "not !", "not not @", "(@)", "((!))", "@ or !", "@ and !"),
    *("role:admin", "role:ADMIN", "role:Member", "role:mem"),
    *("role:%(wanted_role)s", "role:%(absent)s", "not role:%(absent)s", "role:", "roles:admin"),
    *("roles:member", "roles:Member", "roles:ADMIN", "is_admin:True", "is_admin:true"),
    *("is_admin:1", "is_admin:False", "not is_admin:True", "user_id:u1", "user_id:%(user_id)s"),
    *("tenant:%(owner)s", "project_id:%(owner)s", "project_id:%(project_id)s", "tenant:None"),
    *("'raw':%(disk_format)s", "not 'raw':%(disk_format)s", '"raw":%(disk_format)s', "5:%(size)s"),
    *("True:%(is_public)s", "False:%(is_public)s", "None:%(owner)s", "'None':%(disk_format)s"),
    *("5.0:%(size)s", "-5:%(size)s", "'True':%(is_public)s", "'':%(absent)s", "'x':x", "'x':y"),
    *("'a%':a%%", "'t1-raw':%(owner)s-%(disk_format)s", "1:1", "user_id:%(odd)s"),
    *("role:admin or role:member", "role:admin and role:member", "not role:admin and role:member"),
    *("role:admin or role:reader and role:member", "role:reader and role:member or role:admin"),
    *("(role:admin or role:reader) and role:member", "not (role:admin or role:reader)"),
    *("@ or ! and !", "! and ! or @", "@ or (! and !) and !", "(@ or !) and !", "! or @ and @"),
    *("not ! and not !", "not (! and @) or !", "@ AND @", "NOT @ Or @", "@ or @ or @ and !"),
    *("@ and @ and ! or @", "! or ! and @ or @", "@ and (@ or !) and not !", " @ ", "@\tand\n@"),
    *("rule:owner", "rule:admin_or_owner", "not rule:admin_or_owner", "rule:nobody or @"),
    *("rule:nobody", "rule:old", "(rule:owner and not rule:nobody)", "system_scope:all"),
    *("tenant:%(owner)s and not 'raw':%(disk_format)s", "service_roles:service"),
)
LISTS: tuple[list[Any], ...] = (
    *([], [[]], [""], ["@"], ["!"], [["@", "!"]], ["@", "!"], [[], "role:admin"], ["rule:owner"]),
    *([["role:admin"]], [["role:member"], ["role:admin"]], [["role:member", "user_id:u1"]]),
    *(["tenant:%(owner)s", ["role:reader", "role:member"]], [["rule:old"], "is_admin:True"]),
    *(["user_id:u 1"], ["'a b':a b"]),
)


def ours(rules):
    return compile_rules({**OTHERS, **rules})


class TableTests(SynchronousTestCase):
    """Rules that people write."""

    def assert_same(self, rule):
        """Both say the same of every caller and target."""
        rules, oracle = ours({"asked": rule}), Oracle({**OTHERS, "asked": rule})
        for caller in CALLERS:
            for target in TARGETS:
                self.assertIs(
                    rules.allow("asked", caller, target),
                    oracle.allows("asked", caller, target),
                    f"{rule!r} of {caller} to {target}",
                )

    def test_texts(self):
        """Rules in the policy language."""
        for rule in TABLE:
            self.assert_same(rule)

    def test_lists(self):
        """Rules in the syntax of old files."""
        for rule in LISTS:
            self.assert_same(rule)

    def test_default(self):
        """A name that is not there is the rule called default, or nobody passes."""
        for extra in ({}, {"default": "role:admin"}, {"default": "rule:owner"}):
            rules, oracle = ours(extra), Oracle({**OTHERS, **extra})
            for caller in CALLERS:
                for target in TARGETS:
                    self.assertIs(
                        rules.allow("absent", caller, target),
                        oracle.allows("absent", caller, target),
                    )


MATCHES = st.one_of(
    st.sampled_from(["admin", "member", "u1", "t1", "t2", "True", "None", "raw", "", "a:b", "%%"]),
    st.sampled_from(sorted({key for target in TARGETS for key in target} - {"odd key"})).map(
        lambda key: f"%({key})s"
    ),
    st.just("x-%(owner)s-%(absent)s"),
)
KINDS = st.one_of(
    st.sampled_from(["role", *sorted(ATTRIBUTES)]),
    st.sampled_from(["'raw'", "True", "None", "5", "'t1'", '"u1"', "'x%'"]),
)
CHECKS = st.one_of(
    st.sampled_from(["@", "!", *(f"rule:{name}" for name in OTHERS)]),
    st.builds("{}:{}".format, KINDS, MATCHES),
)
BLANKS = st.sampled_from([" ", "  ", "\n", "\t "])
RULES = st.recursive(
    CHECKS,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("( {} )".format, inner),
        st.builds("{}{}{}".format, st.sampled_from(["not", "NOT"]), BLANKS, inner),
        st.builds("{0}{1}and{1}{2}".format, inner, BLANKS, inner),
        st.builds("{0}{1}or{1}{2}".format, inner, BLANKS, inner),
    ),
    max_leaves=12,
)
SOUP = st.lists(
    st.one_of(
        st.sampled_from(
            ["and", "or", "not", "(", ")", "((", "))", "'a'", "x", "%(a)s:b", "'a':'b'"]
        ),
        CHECKS,
        CHECKS.map("({}".format),
        CHECKS.map("{})".format),
    ),
    max_size=8,
).map(" ".join)
LIST_RULES = st.lists(st.one_of(CHECKS, st.lists(CHECKS, max_size=3)), max_size=4)
NAMES = st.sampled_from([*sorted(ATTRIBUTES - {"roles", "service_roles"})])
WORTH = st.one_of(st.booleans(), st.none(), st.sampled_from(["u1", "t1", "t2", "raw", "5"]))
CREDENTIALS = st.builds(
    lambda known, roles: {**known, "roles": roles},
    st.dictionaries(NAMES, WORTH, max_size=6),
    st.lists(st.sampled_from(["admin", "member", "Member", "reader", "raw"]), max_size=3),
)
TARGET_KEYS = st.sampled_from(["owner", "disk_format", "is_public", "size", "user_id"])


class GeneratedTests(SynchronousTestCase):
    """Rules that nobody would write."""

    @settings(max_examples=600, deadline=None)
    @given(
        st.one_of(RULES, LIST_RULES),
        CREDENTIALS,
        st.dictionaries(TARGET_KEYS, st.one_of(WORTH, st.integers(0, 9)), max_size=5),
    )
    def test_rules(self, rule, credentials, target):
        """Any rule of the language, any caller and any target."""
        expected = Oracle({**OTHERS, "asked": rule}).allows("asked", credentials, target)
        self.assertIs(ours({"asked": rule}).allow("asked", credentials, target), expected)

    @settings(max_examples=600, deadline=None)
    @given(SOUP)
    def test_nonsense(self, rule):
        """What we understand, they understand so; what they cannot parse as a whole, we refuse."""
        oracle = Oracle({**OTHERS, "asked": rule})
        try:
            rules = ours({"asked": rule})
        except BadRule:
            return
        for caller in CALLERS:
            for target in TARGETS:
                expected = oracle.allows("asked", caller, target)
                self.assertIs(rules.allow("asked", caller, target), expected)
