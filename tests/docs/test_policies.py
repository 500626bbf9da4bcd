"""The page about policies is in step with the code."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.policy.enforcer import Policy
from glancetx.policy.file import read_rules
from glancetx.policy.protections_file import read_protections
from glancetx.policy.shipped import SHIPPED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
TABLE = "| rule | as shipped | asked about |\n|---|---|---|\n"


class PageTests(SynchronousTestCase):
    """What docs/policies.md shows."""

    def setUp(self):
        self.page = PAGE.read_text(encoding="utf-8")

    def block(self, kind):
        """The content of the only code block of a kind."""
        (_, block) = self.page.split(f"```{kind}\n")
        return block.partition("```")[0].encode("utf-8")

    def test_table(self):
        """Its table has every rule that is asked, as it is shipped."""
        rows = [f"| `{each.name}` | `{each.rule}` | {each.asked} |\n" for each in SHIPPED]
        self.assertIn(TABLE + "".join(rows) + "\n", self.page)

    def test_policy(self):
        """Its policy file is one."""
        rules = read_rules(self.block("yaml"))
        image = {"owner": "t1", "disk_format": "raw"}
        for caller, is_allowed in (
            ({"roles": [], "project_id": "t1"}, True),
            ({"roles": [], "project_id": "t2"}, False),
        ):
            self.assertIs(rules.allow("download_image", caller, image), is_allowed)
        signed = {"owner": "t1", "disk_format": "qcow2", "contract": "signed"}
        self.assertFalse(rules.allow("download_image", {"roles": []}, signed))
        self.assertTrue(rules.allow("download_image", {"roles": ["licensed"]}, signed))

    def test_protections(self):
        """Its file of property protections is one."""
        read_protections(self.block("ini"), "roles", Policy())
