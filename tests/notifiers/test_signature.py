"""Signatures as Standard Webhooks has them."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode

from twisted.trial.unittest import SynchronousTestCase

from glancetx.notifiers.signature import Signer, read_signer

#: An example that the libraries of the specification are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class SignerTests(SynchronousTestCase):
    """The headers of a message."""

    def test_signature(self) -> None:
        """It is what others compute."""
        signer = Signer([b64decode(SECRET.removeprefix("whsec_"))])
        self.assertEqual(
            signer.headers(*MESSAGE),
            {
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
                "webhook-signature": SIGNATURE,
            },
        )

    def test_several(self) -> None:
        """While secrets are exchanged both sign, and the receiver may know either."""
        signature = Signer([bytes(24), bytes(25)]).headers(*MESSAGE)["webhook-signature"]
        self.assertEqual(len(signature.split(" ")), 2)

    def test_none(self) -> None:
        """Without a secret there are an id and a time."""
        self.assertEqual(Signer().headers(*MESSAGE).keys(), {"webhook-id", "webhook-timestamp"})


class FileTests(SynchronousTestCase):
    """The file with the secret."""

    def file(self, text: str) -> str:
        path: str = self.mktemp()
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def test_secrets(self) -> None:
        """One or several, with or without their prefix."""
        bare = SECRET.removeprefix("whsec_")
        for text in (f'secret = "{SECRET}"', f'secret = ["{bare}"]'):
            signer = read_signer(self.file(text), "the webhook")
            self.assertEqual(signer.headers(*MESSAGE)["webhook-signature"], SIGNATURE)
        self.assertNotIn("webhook-signature", read_signer("", "the webhook").headers(*MESSAGE))

    def test_refused(self) -> None:
        """What is none is refused, and not told; nor is it in what Python tells of a signer."""
        short = b64encode(b"too short").decode()
        for text in (
            "",
            "secret = 5",
            "secret = []",
            f'secret = "{short}"',
            'secret = "not-base64-at-all!"',
            f'secret = "{SECRET}"\npassword = "x"',
        ):
            error = self.assertRaises(ValueError, read_signer, self.file(text), "the webhook")
            self.assertIn("the credentials of the webhook in ", str(error))
            for secret in (short, "not-base64", SECRET):
                self.assertNotIn(secret, str(error))
        self.assertNotIn("xyz", repr(Signer([b"xyz"])))
