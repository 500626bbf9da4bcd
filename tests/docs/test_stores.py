"""The page about stores is in step with the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.arguments import bind
from glancetx.description import parse
from glancetx.plugins import installed_stores
from glancetx.store_tables import read_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "stores.md"
HEAD = "| option | default | meaning |\n|---|---|---|\n"


class PageTests(SynchronousTestCase):
    """What docs/stores.md shows."""

    def setUp(self) -> None:
        self.page = PAGE.read_text(encoding="utf-8")
        makers: dict[str, Any] = {**installed_stores()}
        self.ours = {
            kind: maker for kind, maker in makers.items() if maker.factory.startswith("glancetx.")
        }

    def section(self, heading: str) -> str:
        """What stands below a heading, or nothing when there is none."""
        rest = self.page.partition(f"\n## {heading}\n")[2]
        return rest.partition("\n## ")[0]

    def test_tables(self) -> None:
        """Every kind that comes with glancetx has a section, with a table of its options."""
        for kind, maker in self.ours.items():
            rows = [
                f"| `{option.name}` | {option.default or 'required'} | {option.help} |\n"
                for option in maker.options
            ]
            table = HEAD + "".join(rows) + "\n" if rows else "\nIt has no options.\n"
            self.assertIn(table, f"{self.section(kind)}\n", f"below '## {kind}' should be\n{table}")

    def test_descriptions(self) -> None:
        """The command lines tell their stores what these can be told."""
        found = re.findall(r"--store (\S+)", self.page)
        self.assertGreaterEqual(len(found), 3)
        for text in found:
            description = parse(text)
            bind(description, self.ours[description.kind].options)

    def test_configuration(self) -> None:
        """So do the tables of the configuration file, wherever the page has some."""
        found = re.findall(r"```toml\n(.*?)```", self.page, re.DOTALL)
        tables = [table for text in found for table in tomllib.loads(text).get("store", ())]
        self.assertGreaterEqual(len(tables), 3)
        for table in tables:
            description = read_table(table)
            bind(description, self.ours[description.kind].options)
