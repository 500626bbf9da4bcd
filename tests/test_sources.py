"""What no module of ours does, however it is asked: lessons that its text can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import glancetx

PACKAGE = Path(glancetx.__file__).parent

#: What runs a text as a program, or may.
SHELLS = frozenset(
    {
        "subprocess",
        "pty",
        "os.system",
        "os.popen",
        "eval",
        "exec",
        "pickle",
        "marshal",
        "shelve",
        "getProcessOutput",
    }
)
#: What makes containers, buckets and objects readable to all.
PUBLIC = (
    "x-container-read",
    "x-container-write",
    "x-amz-acl",
    "x-amz-grant",
    "public-read",
    "?acl",
)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module with its syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text(encoding="utf-8"))


def used(tree: ast.Module) -> Iterator[str]:
    """What is imported or called, as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


class SourceTests(SynchronousTestCase):
    """All modules of the package."""

    def test_there_are_sources(self) -> None:
        """There is something to look at."""
        self.assertGreater(len(list(sources())), 100)

    def test_no_shell(self) -> None:
        """No text that anybody sends is run: no shell, nothing evaluated or unpickled (R6)."""
        found = {
            f"{path}: {name}"
            for path, tree in sources()
            for name in used(tree)
            if name in SHELLS or name.partition(".")[0] in SHELLS
        }
        self.assertEqual(found, set())

    def test_no_assertions(self) -> None:
        """No check is an ``assert``, which ``python -O`` leaves out (R20)."""
        found = [
            f"{path}:{node.lineno}"
            for path, tree in sources()
            if path.parts[0] != "testing"
            for node in ast.walk(tree)
            if isinstance(node, ast.Assert)
        ]
        self.assertEqual(found, [])

    def test_nothing_is_made_public(self) -> None:
        """No store has a word by which it could open to all what it keeps (R26)."""
        found = [
            f"{path}: {node.value!r}"
            for path, tree in sources()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            if any(word in repr(node.value).lower() for word in PUBLIC)
        ]
        self.assertEqual(found, [])

    def test_tls_is_verified(self) -> None:
        """There is no way to ask other servers without verifying their certificates (R30)."""
        words = ("verify_none", "insecure", "check_hostname", "cert_none", "_create_unverified")
        found = [
            f"{path}: {name}"
            for path, tree in sources()
            for node in ast.walk(tree)
            for name in [getattr(node, "id", None) or getattr(node, "attr", None) or ""]
            if any(word in str(name).lower() for word in words)
        ]
        self.assertEqual(found, [])
