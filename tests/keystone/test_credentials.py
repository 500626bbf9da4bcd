"""The file of the server's own credentials."""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.keystone.credentials import parse_credentials, read_credentials
from tests.web.case import logged_events

SECRET = "ahem-do-not-tell"


class ParseTests(SynchronousTestCase):
    """What is sent to Keystone."""

    def assert_sends(self, values: dict[str, str], identity: Any, scope: Any = None) -> None:
        auth = {"identity": identity} | ({"scope": scope} if scope else {})
        self.assertEqual(parse_credentials(values, "Ada").document, {"auth": auth})

    def test_names(self) -> None:
        """Users and projects are named within their domains."""
        self.assert_sends(
            {
                "username": "glance",
                "user_domain_name": "Services",
                "password": SECRET,
                "project_name": "service",
                "project_domain_id": "abc",
            },
            {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "glance",
                        "domain": {"name": "Services"},
                        "password": SECRET,
                    }
                },
            },
            {"project": {"name": "service", "domain": {"id": "abc"}}},
        )

    def test_ids(self) -> None:
        """Ids need no domain."""
        self.assert_sends(
            {"user_id": "u", "password": SECRET, "project_id": "p"},
            {"methods": ["password"], "password": {"user": {"id": "u", "password": SECRET}}},
            {"project": {"id": "p"}},
        )

    def test_default_domain(self) -> None:
        """A domain that is not named is the default one."""
        document = parse_credentials(
            {"username": "glance", "password": SECRET, "project_name": "service"}, "Ada"
        ).document
        user = document["auth"]["identity"]["password"]["user"]
        self.assertEqual(user["domain"], {"id": "default"})

    def test_application_credential(self) -> None:
        """An application credential brings its own scope."""
        self.assert_sends(
            {"application_credential_id": "a", "application_credential_secret": SECRET},
            {
                "methods": ["application_credential"],
                "application_credential": {"id": "a", "secret": SECRET},
            },
        )

    def test_application_credential_by_name(self) -> None:
        """One that is named is its user's."""
        self.assert_sends(
            {
                "application_credential_name": "images",
                "application_credential_secret": SECRET,
                "user_id": "u",
            },
            {
                "methods": ["application_credential"],
                "application_credential": {
                    "name": "images",
                    "user": {"id": "u"},
                    "secret": SECRET,
                },
            },
        )

    def test_incomplete(self) -> None:
        """What is missing or unknown is named, and no value is shown."""
        for values, word in (
            ({}, "password"),
            ({"password": SECRET, "project_id": "p"}, "username"),
            ({"password": SECRET, "user_id": "u"}, "project_name"),
            ({"application_credential_secret": SECRET}, "application_credential_id"),
            (
                {"application_credential_secret": SECRET, "application_credential_name": "n"},
                "username",
            ),
            ({"pasword": SECRET}, "pasword"),
            ({"password": 12345, "user_id": "u", "project_id": "p"}, "password"),
            ({"password": "", "user_id": "u", "project_id": "p"}, "password"),
        ):
            error = self.assertRaises(ValueError, parse_credentials, values, "Ada")
            self.assertIn(word, str(error))
            self.assertNotIn(SECRET, str(error))

    def test_repr(self) -> None:
        """Credentials do not show themselves."""
        shown = repr(
            parse_credentials({"user_id": "u", "password": SECRET, "project_id": "p"}, "Ada")
        )
        self.assertNotIn(SECRET, shown)


class ReadTests(SynchronousTestCase):
    """The file itself."""

    def write(self, text: str, mode: int = 0o600) -> str:
        path: str = self.mktemp()
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def warnings_of(self, path: str) -> int:
        events = logged_events(self)
        read_credentials(path, "Ada")
        self.assertNotIn(SECRET, repr(events))
        return len([event for event in events if "credentials" in event.get("log_format", "")])

    def test_private(self) -> None:
        """A private file is read without a word."""
        text = f'user_id = "u"\npassword = "{SECRET}"\nproject_id = "p"\n'
        self.assertEqual(self.warnings_of(self.write(text)), 0)
        self.assertEqual(self.warnings_of(self.write(text, 0o640)), 0)

    def test_readable_by_all(self) -> None:
        """One that everybody may read is read with a warning."""
        text = f'user_id = "u"\npassword = "{SECRET}"\nproject_id = "p"\n'
        self.assertEqual(self.warnings_of(self.write(text, 0o644)), 1)

    def refusal_of(self, path: str) -> str:
        return str(self.assertRaises(ValueError, read_credentials, path, "Ada"))

    def test_broken(self) -> None:
        """A file that is not TOML is named, and not quoted."""
        path = self.write(f'password = "{SECRET}')
        self.assertEqual(self.refusal_of(path), f"the credentials of Ada in {path!r} are not TOML")

    def test_mistake(self) -> None:
        """A mistake is told together with the file, and with whose credentials they are."""
        path = self.write(f'pasword = "{SECRET}"')
        self.assertEqual(
            self.refusal_of(path), f"the credentials of Ada in {path!r}: 'pasword' is not known"
        )

    def test_missing(self) -> None:
        """A file that is not there is named."""
        self.assertEqual(
            self.refusal_of("/nowhere/at/all"),
            "the credentials of Ada in '/nowhere/at/all' cannot be read",
        )
