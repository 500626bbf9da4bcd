"""The address of Keystone, as it is written and as it is used."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.keystone.address import is_exposed, plain_url, v3_url


class UrlTests(SynchronousTestCase):
    """What an operator may write."""

    def test_version(self) -> None:
        """The version is added where it is missing, and a slash at the end makes no difference."""
        for text in (
            "https://k:5000",
            "https://k:5000/",
            "https://k:5000/v3",
            "https://k:5000/v3/",
        ):
            self.assertEqual(v3_url("it", text), "https://k:5000/v3")
        self.assertEqual(v3_url("it", "http://[::1]/identity"), "http://[::1]/identity/v3")

    def test_old_version(self) -> None:
        """The address of an older version is refused, rather than asked in vain."""
        for text in ("https://k:5000/v2.0", "https://k/identity/v2.0/"):
            error = self.assertRaises(ValueError, v3_url, "it", text)
            self.assertIn("2.0", str(error))

    def test_mistakes(self) -> None:
        """Anything but a plain URL is refused."""
        for text in (
            "",
            "k",
            "ftp://k",
            "https://u:p@k",
            "https://k/?a",
            "https://k'",
            "http://k\n",
        ):
            for parse in (plain_url, v3_url):
                error = self.assertRaises(ValueError, parse, "it", text)
                self.assertEqual(str(error), "it must be a plain http or https URL")


class ExposureTests(SynchronousTestCase):
    """Who could listen."""

    def test_exposed(self) -> None:
        """Plain HTTP to another machine can be heard by others."""
        for url in ("http://k/v3", "http://10.0.0.1:5000/v3", "http://[2001:db8::1]/v3"):
            self.assertTrue(is_exposed(url), url)

    def test_safe(self) -> None:
        """What is encrypted, or stays on this machine, cannot."""
        for url in ("https://k", "http://localhost:5000", "http://127.0.0.1", "http://[::1]:5000"):
            self.assertFalse(is_exposed(url), url)
