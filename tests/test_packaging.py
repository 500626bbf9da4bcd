"""What is installed is all that was written, and twistd finds it."""

from __future__ import annotations

from collections import Counter
from importlib import metadata
from pathlib import Path

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

import glancetx
from glancetx.interfaces import IStoreMaker

INSTALLED = Path(glancetx.__file__).parent
#: The sources beside these tests; the same as INSTALLED in a checkout that is installed editable.
SOURCES = Path(__file__).resolve().parents[1] / "glancetx"


def files_below(package: Path) -> set[str]:
    """Everything but what Python leaves behind, relative to the package."""
    paths = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


class InstallationTests(SynchronousTestCase):
    """The installed distribution."""

    def test_complete(self) -> None:
        """No module and no data file of the sources is missing."""
        self.assertEqual(files_below(SOURCES) - files_below(INSTALLED), set())

    def test_typed(self) -> None:
        """Type checkers of authors of stores believe our annotations."""
        self.assertTrue((INSTALLED / "py.typed").is_file())

    def test_version(self) -> None:
        """The version that the code tells is the one that was installed."""
        self.assertEqual(metadata.version("glancetx"), glancetx.__version__)

    def test_namespace_left_alone(self) -> None:
        """Nothing is put in the place of Twisted's own packages, which would break Twisted."""
        installed = {str(path) for path in metadata.files("glancetx") or ()}
        intruders = {"twisted/__init__.py", "twisted/plugins/__init__.py"} & installed
        self.assertEqual(intruders, set())


class PluginsTests(SynchronousTestCase):
    """What Twisted finds."""

    def test_command(self) -> None:
        """``twistd`` knows exactly one command of the name glance."""
        commands = [maker.tapname for maker in getPlugins(IServiceMaker)]
        self.assertEqual(commands.count("glance"), 1)

    def test_stores(self) -> None:
        """Each kind of store is installed once, the built-in ones among them."""
        kinds = Counter(maker.kind for maker in getPlugins(IStoreMaker))
        self.assertLessEqual({"file", "memory"}, kinds.keys())
        self.assertEqual(set(kinds.values()), {1})
