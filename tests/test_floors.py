"""The floors of the house hold, and whoever breaks one is told."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import glancetx
from tests.floors import FOREIGN, LONGEST, MAY_IMPORT, TOP, VALUES, offences


class OurModulesTests(SynchronousTestCase):
    """glancetx itself."""

    package = Path(glancetx.__file__).parent

    def test_no_offence(self) -> None:
        """No module imports what it must not know, and none is too long."""
        self.assertEqual(offences(self.package), [])


class RulesTests(SynchronousTestCase):
    """Each rule, broken in a small tree made for it."""

    def setUp(self) -> None:
        self.package = Path(self.mktemp())
        for name in (*MAY_IMPORT, "__init__"):
            self.write(name, "")

    def write(self, module: str, source: str) -> None:
        """Make the module (``web/site``) anew."""
        path = self.package / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    def assert_offence(self, module: str, source: str, sentence: str) -> None:
        """Exactly this is said about a tree in which one module has this source."""
        self.write(module, source)
        self.assertEqual(offences(self.package), [f"{module}.py: {sentence}"])
        self.write(module, "")

    def assert_fine(self, module: str, source: str) -> None:
        """Nothing is said about a tree in which one module has this source."""
        self.write(module, source)
        self.assertEqual(offences(self.package), [])
        self.write(module, "")

    def test_every_forbidden_pair(self) -> None:
        """Any import that the table of floors does not list is an offence, and no other is."""
        for importer, allowed in MAY_IMPORT.items():
            for imported in MAY_IMPORT:
                source = f"from glancetx.{imported} import something"
                if imported == importer or imported in allowed:
                    self.assert_fine(importer, source)
                else:
                    self.assert_offence(
                        importer,
                        source,
                        f"line 1 imports glancetx.{imported}, which {importer} must not know",
                    )

    def test_the_table_is_a_house(self) -> None:
        """Only values among themselves, and the top among itself, may import each other."""
        for importer, allowed in MAY_IMPORT.items():
            for imported in allowed - {importer}:
                if not {importer, imported} <= VALUES and not {importer, imported} <= TOP:
                    self.assertNotIn(importer, MAY_IMPORT[imported])

    def test_nobody_imports_testing(self) -> None:
        """What is made for tests is no part of the server."""
        self.assertEqual([name for name in MAY_IMPORT if "testing" in MAY_IMPORT[name]], [])

    def test_backends_do_not_know_each_other(self) -> None:
        """Registry, stores and identity are siblings that never meet."""
        self.assert_offence(
            "stores/file",
            "import glancetx.registry.postgres",
            "line 1 imports glancetx.registry, which stores must not know",
        )

    def test_backends_only_behind_ports(self) -> None:
        """Use-cases and the web meet registry, stores and identity only through the ports."""
        for importer in ("usecases", "web"):
            for imported in ("registry", "stores", "identity"):
                self.assert_offence(
                    importer,
                    f"import glancetx.{imported}",
                    f"line 1 imports glancetx.{imported}, which {importer} must not know",
                )

    def test_only_the_web_knows_klein(self) -> None:
        """Klein and the server side of twisted.web are the web's own, whatever floor it is."""
        for importer in MAY_IMPORT.keys() - VALUES - {"web"}:
            for foreign in ("klein", "twisted.web"):
                self.assert_offence(
                    importer,
                    f"import {foreign}",
                    f"line 1 imports {foreign}, which {importer} must not know",
                )

    def test_order_on_the_floor_of_ports(self) -> None:
        """Streams may not know the plugins, which may know the streams."""
        self.assert_fine("plugins", "from glancetx.streams import chunks")
        self.assert_offence(
            "streams/meter",
            "from glancetx.plugins import StoreMaker",
            "line 1 imports glancetx.plugins, which streams must not know",
        )

    def test_import_inside_a_function(self) -> None:
        """An import that runs later counts as any other."""
        self.assert_offence(
            "image",
            "def late():\n    from glancetx.web import site\n",
            "line 2 imports glancetx.web, which image must not know",
        )

    def test_import_of_a_module_from_the_package(self) -> None:
        """``from glancetx import web`` is an import of glancetx.web."""
        self.assert_offence(
            "usecases/upload",
            "from glancetx import web",
            "line 1 imports glancetx.web, which usecases must not know",
        )

    def test_relative_import(self) -> None:
        """Dots are counted: two of them in a module of a package lead to its siblings."""
        self.assert_fine("stores/file", "from . import s3\nfrom .s3 import S3Store")
        self.assert_offence(
            "stores/file",
            "from ..registry import postgres",
            "line 1 imports glancetx.registry, which stores must not know",
        )
        self.assert_offence(
            "stores/file",
            "from .. import registry",
            "line 1 imports glancetx.registry, which stores must not know",
        )

    def test_version_of_the_package(self) -> None:
        """What the package itself defines is for everybody."""
        self.assert_fine("web/versions", "from glancetx import __version__")

    def test_the_package_itself_imports_nothing(self) -> None:
        """Importing glancetx loads no other module of it."""
        self.assert_offence(
            "__init__",
            "from glancetx.image import Image",
            "line 1 imports glancetx.image, which glancetx must not know",
        )

    def test_module_without_a_floor(self) -> None:
        """A new top-level module has to be given its floor."""
        self.assert_offence("attic", "", "attic is on no floor: give it one in tests/floors.py")

    def test_foreign_modules(self) -> None:
        """Each foreign module of the table is refused to everyone but those who may know it."""
        for foreign, allowed in FOREIGN.items():
            for importer in ("usecases", "web", "stores", "registry", "daemon", "testing"):
                source = f"import {foreign}"
                if importer in allowed:
                    self.assert_fine(importer, source)
                else:
                    self.assert_offence(
                        importer,
                        source,
                        f"line 1 imports {foreign}, which {importer} must not know",
                    )

    def test_parts_of_foreign_modules(self) -> None:
        """A part of a foreign module is like the whole, unless it has a rule of its own."""
        self.assert_offence(
            "usecases",
            "from twisted.web.server import Site",
            "line 1 imports twisted.web, which usecases must not know",
        )
        self.assert_offence(
            "outbound",
            "from twisted.web import client, server",
            "line 1 imports twisted.web, which outbound must not know",
        )
        self.assert_fine("outbound", "from twisted.web.client import Agent")

    def test_a_name_that_only_begins_alike(self) -> None:
        """``treqish`` is not treq."""
        self.assert_fine("usecases", "import treqish")

    def test_reactor_taken_from_its_package(self) -> None:
        """``from twisted.internet import reactor`` is refused outside of the daemon."""
        self.assert_fine("daemon", "from twisted.internet import reactor")
        self.assert_offence(
            "web",
            "from twisted.internet import defer, reactor",
            "line 1 imports twisted.internet.reactor, which web must not know",
        )

    def test_values_know_only_attrs(self) -> None:
        """A value imports the standard library and attrs, and not even Twisted."""
        self.assert_fine("query", "from datetime import UTC\nfrom attrs import frozen")
        self.assert_offence(
            "query",
            "from twisted.python import failure",
            "line 1 imports twisted: values know the standard library and attrs only",
        )

    def test_length(self) -> None:
        """A module may have so many lines and not one more."""
        self.assert_fine("shelf", "#\n" * LONGEST)
        self.assert_offence("shelf", "#\n" * (LONGEST + 1), "has 251 lines, more than 250")

    def test_length_of_an_exception(self) -> None:
        """A module with a reason may be longer, but has a limit too."""
        self.assert_fine("testing/store_contract", "#\n" * 300)
        self.assert_offence("testing/store_contract", "#\n" * 301, "has 301 lines, more than 300")
        self.assert_offence("testing/streams", "#\n" * 251, "has 251 lines, more than 250")
