"""Credentials are read from what operators have, and nothing tells them on."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores.s3.credentials import read_environment, read_file
from glancetx.stores.s3.signature import Credentials

TOML = 'aws_access_key_id = "key"\naws_secret_access_key = "s3cr3t"\n'
PROFILES = """
[default]
aws_access_key_id = key
aws_secret_access_key = s3cr3t%x

[images]
aws_access_key_id = other
aws_secret_access_key = s3cr3t2
aws_session_token = t0ken
region = eu-west-3
"""


class FileTests(SynchronousTestCase):
    """A file of credentials."""

    def write(self, text: str, mode: int = 0o600) -> str:
        path = Path(self.mktemp())
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def test_toml(self) -> None:
        """It may be TOML."""
        self.assertEqual(read_file(self.write(TOML)), Credentials("key", "s3cr3t"))

    def test_profiles(self) -> None:
        """It may have profiles, as Amazon's own clients have it."""
        path = self.write(PROFILES)
        self.assertEqual(read_file(path), Credentials("key", "s3cr3t%x"))
        self.assertEqual(read_file(path, "images"), Credentials("other", "s3cr3t2", "t0ken"))

    def test_refused(self) -> None:
        """What is wrong is told, with the file and without what is in it."""
        for text, reason in (
            ("[other]\nkey = s3cr3t", "has no profile"),
            ("", "aws_access_key_id is missing"),
            ("s3cr3t", "neither TOML nor"),
            ("[default]\naws_access_key_id = s3cr3t", "aws_secret_access_key is missing"),
            ('aws_secret_access_key = "s3cr3t"', "aws_access_key_id is missing"),
            (TOML.replace('"key"', "7"), "aws_access_key_id must be a text"),
            (TOML.replace("s3cr3t", "s3cr3t\\n"), "aws_secret_access_key must be a text"),
            (TOML + "\0", "neither TOML nor"),
        ):
            path = self.write(text)
            error = self.assertRaises(ValueError, read_file, path)
            self.assertIn(path, str(error))
            self.assertIn(reason, str(error))
            self.assertNotIn("s3cr3t", str(error))

    def test_missing(self) -> None:
        """A file that is not there, or is no text, cannot be read."""
        self.assertIn("cannot be read", str(self.assertRaises(ValueError, read_file, "/nowhere")))
        path = self.write("")
        Path(path).write_bytes(b"\xff")
        self.assertIn("cannot be read", str(self.assertRaises(ValueError, read_file, path)))

    def test_open_to_everybody(self) -> None:
        """A file that everybody may read is used, and warned of."""
        path = self.write(TOML, 0o644)
        with capturedLogs() as events:
            self.assertEqual(read_file(path).access_key, "key")
        self.assertIn(f"{path} can be read by everybody", formatEvent(events[0]))


class EnvironmentTests(SynchronousTestCase):
    """Credentials in the environment."""

    def test_environment(self) -> None:
        """They have the names that Amazon gave them."""
        environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
        self.assertEqual(read_environment(environment), Credentials("key", "s3cr3t"))
        environment["AWS_SESSION_TOKEN"] = "t0ken"
        self.assertEqual(read_environment(environment), Credentials("key", "s3cr3t", "t0ken"))

    def test_missing(self) -> None:
        """Without them there are none."""
        self.assertRaises(ValueError, read_environment, {"AWS_ACCESS_KEY_ID": "key"})
        self.assertRaises(ValueError, read_environment, dict.fromkeys(os.environ, ""))
