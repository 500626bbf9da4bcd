"""The names of routes: few, and one for each route that there is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.web.routes import ELSEWHERE, route_of
from glancetx.web.v1.images import ImagesV1

RULES = [rule.rule for rule in ImagesV1.app.url_map.iter_rules()]


class RouteTests(SynchronousTestCase):
    """What requests are counted under."""

    def test_every_route(self) -> None:
        """Each route of the API has its own name, which is its pattern."""
        for rule in RULES:
            segments = rule.replace("<", "").replace(">", "").split("/")[1:]
            expected = "/v1" + re.sub(r"<(\w+)>", r"{\1}", rule)
            self.assertEqual(route_of(segments), expected, rule)

    @given(st.lists(st.one_of(st.text(), st.sampled_from(["images", "members", "detail", ""]))))
    def test_bounded(self, segments: list[str]) -> None:
        """Whatever is asked for, there are no others."""
        known = {"/v1" + re.sub(r"<(\w+)>", r"{\1}", rule) for rule in RULES}
        self.assertIn(route_of(segments), known | {ELSEWHERE})

    def test_elsewhere(self) -> None:
        """What leads nowhere has one name."""
        for path in ("nope", "images/a/b/c", "images/a/members/b/c", "Images"):
            self.assertEqual(route_of(path.split("/")), ELSEWHERE, path)
