"""Whatever is shown of metrics is about metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from glancetx.config_file import KINDS
from glancetx.logs import FIELDS
from glancetx.metrics.families import FAMILIES, Kind

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: What Prometheus adds to each series by itself.
TARGET = {"instance", "job", "le"}

#: A metric, and the conditions on its labels.
SELECTOR = re.compile(r"\b((?:glancetx|process)_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def series() -> dict[str, set[str]]:
    """The labels of every series, by its name."""
    found = {}
    for name, family in FAMILIES.items():
        is_histogram = family.kind is Kind.HISTOGRAM
        for suffix in ("_bucket", "_count", "_sum") if is_histogram else ("",):
            found[name + suffix] = {*family.labels, *TARGET}
    return found


SERIES = series()


def expressions(panels: Any) -> Iterator[str]:
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))
        yield from expressions(panel.get("panels", ()))


class ExpressionCase(SynchronousTestCase):
    def assert_known(self, expression: str) -> None:
        """Each metric exists, and has the labels that are asked for."""
        selected = SELECTOR.findall(expression)
        self.assertNotEqual(selected, [], expression)
        known = set()
        for name, conditions in selected:
            self.assertIn(name, SERIES, expression)
            self.assertLessEqual(set(LABEL.findall(conditions)), SERIES[name], expression)
            known |= SERIES[name]
        for labels in GROUPED.findall(expression):
            self.assertLessEqual({each.strip() for each in labels.split(",")}, known, expression)


class DashboardTests(ExpressionCase):
    """docs/examples/grafana.json"""

    def setUp(self) -> None:
        self.dashboard = json.loads((DOCS / "examples" / "grafana.json").read_text())

    def test_expressions(self) -> None:
        """Every expression is about what there is."""
        found = list(expressions(self.dashboard["panels"]))
        self.assertGreater(len(found), 30)
        for expression in found:
            self.assert_known(expression)

    def test_everything_is_shown(self) -> None:
        """There is no metric of ours that the dashboard leaves out."""
        text = json.dumps(self.dashboard)
        missing = [name for name in FAMILIES if name.startswith("glancetx") and name not in text]
        self.assertEqual(missing, [])

    def test_panels(self) -> None:
        """No two of them have the same number, or lie upon each other."""
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
        self.assertEqual(len(places), len(panels))

    def test_a_test_of_the_test(self) -> None:
        """What does not exist is noticed: names, labels, and what is summed up by."""
        for wrong in (
            "rate(glancetx_http_request_total[5m])",
            'glancetx_images{state="active"}',
            "glancetx_http_first_byte_seconds",
            "sum by (owner) (glancetx_images)",
        ):
            with self.assertRaises(self.failureException):
                self.assert_known(wrong)


class AlertTests(ExpressionCase):
    """docs/examples/alerts.yml"""

    def test_expressions(self) -> None:
        """Every alert is about what there is, and is explained."""
        text = (DOCS / "examples" / "alerts.yml").read_text()
        page = (DOCS / "monitoring.md").read_text()
        for rule in yaml.safe_load(text)["groups"][0]["rules"]:
            self.assertIn(f"| `{rule['alert']}` |", page)
            if not rule["expr"].startswith("up{"):
                self.assert_known(rule["expr"])


class PageTests(SynchronousTestCase):
    """docs/monitoring.md"""

    def setUp(self) -> None:
        self.page = (DOCS / "monitoring.md").read_text()

    def test_metrics(self) -> None:
        """Each metric has a line with its type, labels and meaning, and no other has."""
        rows = re.findall(r"^\| `((?:glancetx|process)_\w+)` \| (.*) \|$", self.page, re.MULTILINE)
        expected = {
            name: f"{family.kind.value} | {', '.join(f'`{each}`' for each in family.labels)}"
            f" | {family.meaning}"
            for name, family in FAMILIES.items()
        }
        self.assertEqual(dict(rows), expected)

    def test_fields(self) -> None:
        """Each field of a line in JSON is named."""
        for field in ("time", "level", "namespace", "message", *FIELDS):
            self.assertIn(f"`{field}`", self.page)

    def test_options(self) -> None:
        """The options are those that there are."""
        self.assertLessEqual({"metrics", "log_format"}, set(KINDS))
