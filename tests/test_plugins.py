"""Stores, authenticators and notifiers are plugins, and made from description strings."""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from glancetx.description import parse
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import (
    IAuthenticator,
    IAuthenticatorMaker,
    INotifierMaker,
    IStore,
    IStoreMaker,
)
from glancetx.plugins import (
    AuthenticatorMaker,
    BadAuthenticator,
    BadStore,
    Option,
    StoreMaker,
    explain_all,
    installed_authenticators,
    installed_notifiers,
    installed_stores,
    open_authenticator,
    open_store,
)
from glancetx.stores.file import FileStore

MAKER = StoreMaker("memory", "glancetx.stores.memory.MemoryStore", "in memory")
FILE = StoreMaker(
    "file",
    "glancetx.stores.file.FileStore",
    "in files",
    options=(
        Option("directory", "where", positional=True),
        Option("threads", "how many", "8"),
    ),
)


class StoreMakerTests(SynchronousTestCase):
    """A line in a plugin module."""

    def test_interface(self) -> None:
        """It provides what is looked up; users may not name its locations unless it says so."""
        verifyObject(IStoreMaker, MAKER)
        self.assertFalse(MAKER.foreign)

    def test_make(self) -> None:
        """It imports the factory and calls it with the strings of the description."""
        store = FILE.make(None, directory="images", threads="3")
        self.assertIsInstance(store, FileStore)
        verifyObject(IStore, MAKER.make(None))


class OpenStoreTests(SynchronousTestCase):
    """A description becomes a store, or a sentence for the operator."""

    def test_opens(self) -> None:
        """The maker of the kind makes it."""
        maker, store = open_store(None, parse("fast=file:images:threads=2"), [MAKER, FILE])
        self.assertIs(maker, FILE)
        self.assertIsInstance(store, FileStore)

    def test_unknown_kind(self) -> None:
        """An unknown kind is refused by a sentence that names the known ones."""
        error = self.assertRaises(BadStore, open_store, None, parse("tape:x"), [MAKER, FILE])
        self.assertEqual(
            str(error), "no store of kind 'tape' is installed (installed: file, memory)"
        )
        error = self.assertRaises(BadStore, open_store, None, parse("tape:x"), [])
        self.assertIn("none", str(error))

    def test_bad_arguments(self) -> None:
        """Arguments that make no sense are refused by a sentence that says what to write."""
        for text in ("file:", "file:a:b:c", "file:a:colour=red", "file:a:threads=many"):
            error = self.assertRaises(BadStore, open_store, None, parse(text), [FILE])
            self.assertIn("the store 'file' cannot be made: ", str(error))
            self.assertIn("(write file:DIRECTORY[:OPTION=VALUE...]; ", str(error))

    def test_refused_before_import(self) -> None:
        """An option that the maker does not tell of never reaches the factory."""
        nowhere = StoreMaker("tape", "there.is.no.such.Module", "on tapes")
        error = self.assertRaises(BadStore, open_store, None, parse("tape:reel=1"), [nowhere])
        self.assertIn("'reel' is not an option", str(error))

    def test_bug_of_factory(self) -> None:
        """A factory that fails for another reason than what it was told is not excused."""
        liar = StoreMaker("memory", MAKER.factory, "lies", options=(Option("size", "no"),))
        self.assertRaises(TypeError, open_store, None, parse("memory:size=1"), [liar])


class ExplainTests(SynchronousTestCase):
    """What operators are told of what is installed."""

    def test_all(self) -> None:
        """Each kind has a paragraph, in the order of their names."""
        paragraphs = explain_all({"memory": MAKER, "file": FILE}).split("\n\n")
        self.assertEqual(
            [each.splitlines()[0] for each in paragraphs], ["file - in files", "memory - in memory"]
        )


NONE = AuthenticatorMaker("none", "glancetx.identity.everybody.Everybody", "nobody")
TRUSTED = AuthenticatorMaker(
    "trusted",
    "glancetx.identity.trusted.TrustedProxy",
    "the proxy",
    options=(Option("proxies", "where", positional=True),),
)


class OpenAuthenticatorTests(SynchronousTestCase):
    """A description becomes an authenticator, or a sentence for the operator."""

    def refused(self, text: str, *makers: AuthenticatorMaker) -> str:
        error = self.assertRaises(BadAuthenticator, open_authenticator, None, parse(text), makers)
        return str(error)

    def test_opens(self) -> None:
        """The maker of the kind makes it."""
        verifyObject(IAuthenticatorMaker, NONE)
        authenticator = open_authenticator(None, parse("none:"), [TRUSTED, NONE])
        self.assertIsInstance(authenticator, Everybody)
        verifyObject(IAuthenticator, authenticator)

    def test_unknown_kind(self) -> None:
        """An unknown kind is refused by a sentence that names the known ones."""
        self.assertIn("(installed: none, trusted)", self.refused("fido:", NONE, TRUSTED))
        self.assertIn("(installed: none)", self.refused("fido:"))

    def test_bad_arguments(self) -> None:
        """Arguments that make no sense are refused by a sentence that says what to write."""
        for text in ("trusted:", "trusted:a", "trusted:::1", "trusted:10.0.0.1:x=y"):
            self.assertIn("write trusted:PROXIES", self.refused(text, TRUSTED))
        self.assertIn("write none:", self.refused("none:x:y", NONE))


class InstalledTests(SynchronousTestCase):
    """What is installed, seen from fresh processes."""

    def run_python(self, code: str, *path: str) -> str:
        """What the code prints in a fresh process with these directories on its path."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONWARNINGS": ""}
        return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)

    def test_ours(self) -> None:
        """Our own stores are installed."""
        makers = installed_stores()
        self.assertTrue({"file", "memory"} <= makers.keys())
        for maker in makers.values():
            verifyObject(IStoreMaker, maker)

    def test_third_party(self) -> None:
        """A module in somebody's ``twisted/plugins`` is found, and its store opened."""
        directory = os.path.abspath(self.mktemp())
        os.makedirs(os.path.join(directory, "twisted", "plugins"))
        with open(os.path.join(directory, "twisted", "plugins", "acme_store.py"), "w") as file:
            file.write(
                "from glancetx.plugins import StoreMaker\n"
                "attic = StoreMaker('attic', 'acme_attic.Attic', 'in the attic', foreign=True)\n"
            )
        with open(os.path.join(directory, "acme_attic.py"), "w") as file:
            file.write("from glancetx.stores.memory import MemoryStore as Attic\n")
        code = (
            "from glancetx.plugins import installed_stores, open_store\n"
            "from glancetx.description import parse\n"
            "makers = installed_stores()\n"
            "maker, store = open_store(None, parse('attic:'), makers.values())\n"
            "print(maker.kind, maker.foreign, type(store).__name__, 'file' in makers)\n"
        )
        self.assertEqual(self.run_python(code, directory), "attic True MemoryStore True\n")

    def test_our_authenticators(self) -> None:
        """So are our ways to authenticate."""
        makers = installed_authenticators()
        self.assertTrue({"none", "tokens", "trusted"} <= makers.keys())
        for maker in makers.values():
            verifyObject(IAuthenticatorMaker, maker)

    def test_our_notifiers(self) -> None:
        """So are those who tell of what happens to images, and others' may be."""
        makers = installed_notifiers()
        self.assertTrue({"log", "webhook"} <= makers.keys())
        for maker in makers.values():
            verifyObject(INotifierMaker, maker)

    def test_third_party_notifier(self) -> None:
        """Somebody's notifier is found as somebody's store is."""
        directory = os.path.abspath(self.mktemp())
        os.makedirs(os.path.join(directory, "twisted", "plugins"))
        with open(os.path.join(directory, "twisted", "plugins", "acme_bus.py"), "w") as file:
            file.write(
                "from glancetx.plugins import NotifierMaker\n"
                "bus = NotifierMaker('bus', 'glancetx.notifiers.log.LogNotifier', 'a bus')\n"
            )
        code = (
            "from glancetx.plugins import installed_notifiers, open_notifier\n"
            "from glancetx.description import parse\n"
            "makers = installed_notifiers()\n"
            "notifier = open_notifier(None, parse('bus:'), makers.values())\n"
            "print(type(notifier).__name__, 'log' in makers)\n"
        )
        self.assertEqual(self.run_python(code, directory), "LogNotifier True\n")

    def test_imports_little(self) -> None:
        """Looking for plugins loads neither Klein nor the reactor, nor any store."""
        code = (
            "import sys\n"
            "from glancetx.plugins import installed_stores\n"
            "import twisted.plugins.glancetx_plugin, twisted.plugins.glancetx_stores\n"
            "import twisted.plugins.glancetx_identity, twisted.plugins.glancetx_notifiers\n"
            "print(*[name for name in ('klein', 'twisted.internet.reactor', 'treq', 'psycopg2',\n"
            "    'glancetx.stores.file', 'glancetx.daemon') if name in sys.modules])\n"
        )
        self.assertEqual(self.run_python(code).strip(), "")
