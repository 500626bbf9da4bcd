"""Paths as the access rules of Keystone write them."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.identity.access_rules import access_rule, permits
from tests.unhurried import given

WORDS = ("a", "b", "/", "*", "**", "{x}", ".", "\n")
EXPRESSIONS = {"*": "[^/]+", "**": ".*", "{x}": "[^/]+"}


class AccessRuleTests(SynchronousTestCase):
    """Which requests a rule is for."""

    def assert_permits(self, pattern: str, *paths: str) -> None:
        for path in paths:
            self.assertTrue(access_rule("GET", pattern).permits("GET", path), path)

    def assert_refuses(self, pattern: str, *paths: str) -> None:
        for path in paths:
            self.assertFalse(access_rule("GET", pattern).permits("GET", path), path)

    def test_literal(self) -> None:
        """Without wild cards a rule is for one path, to the letter."""
        self.assert_permits("/v1/images", "/v1/images")
        self.assert_refuses("/v1/images", "/v1/images/", "/v1/images/a", "/v1/image", "/V1/images")
        self.assert_refuses("/v1.images", "/v1/images", "/v1ximages")
        self.assert_refuses("/v1.images/*", "/v1ximages/a")

    def test_one_segment(self) -> None:
        """A star, and a name in braces, stand for one segment that is not empty."""
        for pattern in ("/v1/images/*", "/v1/images/{image_id}"):
            self.assert_permits(pattern, "/v1/images/a", "/v1/images/a-b.c")
            self.assert_refuses(pattern, "/v1/images", "/v1/images/", "/v1/images/a/members")
        self.assert_permits("/v1/images/*/members", "/v1/images/a/members")

    def test_anything(self) -> None:
        """Two stars stand for anything, also for nothing."""
        self.assert_permits(
            "/v1/images/**", "/v1/images/a", "/v1/images/a/members/b", "/v1/images/"
        )
        self.assert_refuses("/v1/images/**", "/v1/images", "/v1/shared-images/a")

    @given(
        st.lists(st.sampled_from(WORDS), max_size=8),
        st.lists(st.sampled_from(("a", "b", "/", "*", ".", "\n")), max_size=12).map("".join),
    )
    def test_as_expressions(self, words: list[str], path: str) -> None:
        """A rule is for what the regular expression is for that one would write instead."""
        pattern = "".join(words)
        tokens = re.findall(r"\*\*|\*|\{x\}|[^*{]", pattern)
        expression = "".join(EXPRESSIONS.get(each, re.escape(each)) for each in tokens)
        expected = re.fullmatch(expression, path, re.DOTALL) is not None
        self.assertEqual(access_rule("GET", pattern).permits("GET", path), expected)

    def test_many_wildcards(self) -> None:
        """R28: a rule of nothing but wildcards, which any user may write, is as fast as any."""
        path = "/v1/" + "a" * 4000
        for pattern in ("**" * 100 + "b", "**a" * 70 + "b", "*a" * 100 + "b", "{x}a**" * 37 + "b"):
            self.assert_refuses(f"/v1/{pattern}", path)
        self.assert_permits("/v1/" + "**a" * 70, path)

    def test_line_feed(self) -> None:
        """A line feed ends nothing."""
        self.assert_refuses("/v1/images", "/v1/images\n")

    def test_method(self) -> None:
        """A rule is for one method."""
        self.assertFalse(access_rule("GET", "/v1/images").permits("POST", "/v1/images"))


class PermitsTests(SynchronousTestCase):
    """Several rules together."""

    def test_any(self) -> None:
        """One rule that fits is enough."""
        rules = [access_rule("GET", "/v1/images"), access_rule("HEAD", "/v1/images/*")]
        self.assertTrue(permits(rules, "HEAD", "/v1/images/a"))
        self.assertFalse(permits(rules, "GET", "/v1/images/a"))

    def test_none(self) -> None:
        """Without rules nothing is permitted."""
        self.assertFalse(permits([], "GET", "/v1/images"))

    def test_unknown_request(self) -> None:
        """A request of which nobody says what it is is permitted by no rule."""
        rules = [access_rule("GET", "**")]
        self.assertFalse(permits(rules, None, "/v1/images"))
        self.assertFalse(permits(rules, "GET", None))
