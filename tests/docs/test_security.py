"""The page about security names tests that are there, and carry what it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"

_ROW = re.compile(r"^\| (R\d+) \| .* \| ([^|]+) \|$", re.MULTILINE)
_NAME = re.compile(r"`(tests\.[\w.]+)`")

#: Lessons about what is not built yet.
WAITING = {"R14", "R15", "R19"}


def docstrings(named: Any) -> Iterator[str]:
    """Those of a module, a class or a test, and of all that is in it."""
    yield named.__doc__ or ""
    for value in vars(named).values() if hasattr(named, "__dict__") else ():
        is_inner = getattr(value, "__module__", None) == getattr(named, "__name__", None)
        if is_inner or (isinstance(named, type) and callable(value)):
            yield from docstrings(value)


class LessonTests(SynchronousTestCase):
    """The table of lessons."""

    def setUp(self) -> None:
        self.rows = dict(_ROW.findall(PAGE.read_text(encoding="utf-8")))

    def test_all(self) -> None:
        """Every lesson has its row, in order."""
        self.assertEqual(list(self.rows), [f"R{number}" for number in range(1, 32)])

    def test_carried(self) -> None:
        """Each test that is named exists, and names the lesson in a docstring."""
        for lesson, tests in self.rows.items():
            names = _NAME.findall(tests)
            self.assertEqual(not names, lesson in WAITING, lesson)
            for name in names:
                found = [text for text in docstrings(namedAny(name)) if _names(lesson, text)]
                self.assertNotEqual(found, [], f"{name} does not name {lesson}")

    def test_waiting(self) -> None:
        """What waits says for what."""
        for lesson in WAITING:
            self.assertIn("waits for", self.rows[lesson])

    def test_others(self) -> None:
        """No test carries a lesson that there is not."""
        modules = [each for name, each in sorted(sys.modules.items()) if name.startswith("tests.")]
        texts = (text for module in modules for text in docstrings(module))
        found = {lesson for text in texts for lesson in re.findall(r"\bR\d{1,2}\b", text)}
        self.assertLessEqual(found, set(self.rows))


def _names(lesson: str, text: str) -> bool:
    return re.search(rf"\b{lesson}\b", text) is not None
