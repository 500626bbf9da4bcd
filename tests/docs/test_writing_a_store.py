"""The example in docs/writing-a-store.md works: it keeps the contract and is well typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

# Resolved, for tox puts a link to the tests where only the installed package is beside them.
ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "writing-a-store.md"


def code_named(name: str) -> str:
    """The code block of this name in the document."""
    pattern = rf"```{{code-block}} python\n:name: {name}\n\n(.*?)```"
    found = re.findall(pattern, DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    if len(found) != 1:
        raise AssertionError(f"{len(found)} code blocks are named {name}")
    return str(found[0])


class ExampleTests(SynchronousTestCase):
    """The distribution that a reader of the document would have written."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        for name, code in [
            ("acme/__init__.py", ""),
            ("acme/attic.py", code_named("attic")),
            ("acme/test_attic.py", code_named("attic-tests")),
            ("twisted/plugins/acme_stores.py", code_named("attic-plugin")),
        ]:
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")

    def run_module(self, *arguments: str) -> str:
        """The output of a Python module run in the reader's directory, which must succeed."""
        path = os.pathsep.join([str(self.directory), os.environ.get("PYTHONPATH", "")])
        result = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def test_keeps_contract(self) -> None:
        """The example passes every test of the contract."""
        output = self.run_module("twisted.trial", "acme.test_attic")
        self.assertIn("PASSED", output)
        self.assertNotIn("Ran 0 tests", output)

    def test_types(self) -> None:
        """Strict type checking has nothing to say about the example."""
        self.run_module("mypy", "--config-file", str(ROOT / "pyproject.toml"), "acme", "twisted")

    def test_installed(self) -> None:
        """The plugin module makes the store known."""
        code = (
            "from glancetx.plugins import installed_stores\n"
            "print(type(installed_stores()['attic'].make(None, root='here')).__name__)\n"
        )
        (self.directory / "ask.py").write_text(code, encoding="utf-8")
        self.assertEqual(self.run_module("ask"), "AtticStore\n")

    def test_short(self) -> None:
        """It stays an example that one reads at a glance."""
        lines = [line for line in code_named("attic").splitlines() if line.strip()]
        self.assertLess(len(lines), 65)
