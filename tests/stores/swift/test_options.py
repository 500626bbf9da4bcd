"""What an operator may write, and may not."""

from __future__ import annotations

import os
from typing import Any, cast

from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from glancetx.description import parse, quote
from glancetx.plugins import BadStore, installed_stores, open_store
from glancetx.stores.swift.keystone import Keystone
from glancetx.stores.swift.options import swift
from glancetx.stores.swift.store import SwiftStore
from glancetx.stores.swift.version1 import Version1
from tests.outbound.fakes import FakeReactor

OLD = "http://127.0.0.1:8080/auth/v1.0"
NEW = "http://127.0.0.1:5000/v3"

OLD_FILE = 'user = "test:tester"\nkey = "sesame"\n'
NEW_FILE = 'username = "glance"\npassword = "sesame"\nproject_name = "service"\n'


class OptionsTests(SynchronousTestCase):
    """The description of a store in Swift."""

    def write(self, text: str) -> str:
        path = str(self.mktemp())
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        return path

    def make(self, auth: str = OLD, text: str = OLD_FILE, **options: Any) -> SwiftStore:
        return swift(FakeReactor(), "images", auth, self.write(text), **options)

    def login(self, store: SwiftStore) -> Any:
        return store._account._login

    def test_installed(self) -> None:
        """It is found among the plugins, by the schemes that Glance has for it."""
        makers = installed_stores()
        path = self.write(OLD_FILE)
        text = f"swift:images:auth={quote(OLD)}:credentials={quote(path)}"
        maker, store = open_store(FakeReactor(), parse(text), makers.values())
        self.assertIsInstance(store, SwiftStore)
        self.assertFalse(maker.foreign)
        self.assertLessEqual(
            {"swift", "swift+http", "swift+https", "swift+config"}, {*maker.schemes}
        )

    def test_required(self) -> None:
        """Container, address and credentials have to be told."""
        makers = installed_stores().values()
        for text in ("swift:", "swift:images", f"swift:images:auth={quote(OLD)}"):
            self.assertRaises(BadStore, open_store, FakeReactor(), parse(text), makers)

    def test_auth_versions(self) -> None:
        """The address tells who is to be asked: auth version 1 by how it ends, or Keystone."""
        for auth in (OLD, "http://127.0.0.1/auth/v1", "http://127.0.0.1/auth", OLD + "/"):
            self.assertIsInstance(self.login(self.make(auth)), Version1)
        for auth in (NEW, "https://cloud.example", "https://cloud.example/identity/"):
            self.assertIsInstance(self.login(self.make(auth, NEW_FILE)), Keystone)

    def test_refused(self) -> None:
        """What makes no sense is refused in words."""
        for options in (
            {"auth": "127.0.0.1"},
            {"auth": "http://user:secret@127.0.0.1/auth/v1.0"},
            {"auth": NEW + "/v2.0", "text": NEW_FILE},
            {"interface": "secret"},
            {"storage_url": "nowhere"},
            {"ca": "/nowhere"},
            {"create_container": "perhaps"},
            {"large_object_size": "6GB"},
            {"large_object_size": "5120.5MB"},
            {"large_object_chunk_size": "200"},
            {"large_object_chunk_size": "6GB"},
            {"max_segments": "0"},
            {"idle": "0"},
            {"attempts": "-1"},
        ):
            self.assertRaises(ValueError, self.make, **options)
        self.assertRaises(ValueError, swift, FakeReactor(), "a/b", OLD, self.write(OLD_FILE))

    def test_sizes(self) -> None:
        """Sizes have units."""
        store = self.make(large_object_size="0", large_object_chunk_size="1MB", max_segments="7")
        self.assertEqual(
            (store._sizes.single, store._sizes.segment, store._sizes.most), (0, 1 << 20, 7)
        )

    def test_credentials_refused(self) -> None:
        """A file that makes no sense is refused, in words that hold nothing of what is in it."""
        for text in (
            "",
            "sesame",
            'user = "test:tester"\n',
            'user = "test:tester"\nkey = 7\n',
            'user = "test:tester"\nkey = "sesame\\nX-Admin: 1"\n',
            OLD_FILE + 'password = "sesame"\n',
        ):
            error = self.assertRaises(ValueError, self.make, OLD, text)
            self.assertNotIn("sesame", str(error))
            self.assertIn("'images'", str(error))
        self.assertRaises(ValueError, self.make, NEW, OLD_FILE)
        self.assertRaises(ValueError, swift, FakeReactor(), "images", OLD, "/nowhere")

    def test_exposed(self) -> None:
        """Credentials that leave the machine unencrypted are warned of; in-house ones are not."""
        said: list[Any] = []
        observer = cast(ILogObserver, said.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.make(OLD)
        self.assertEqual([each for each in said if "unencrypted" in each["log_format"]], [])
        self.make("http://swift.example/auth/v1.0")
        self.assertEqual(len([each for each in said if "unencrypted" in each["log_format"]]), 1)

    def test_secrets(self) -> None:
        """Nobody finds the key in what a log may show of the store's parts."""
        login = self.login(self.make())
        self.assertNotIn("sesame", repr(login._key))
