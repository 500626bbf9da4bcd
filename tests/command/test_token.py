"""What ``glancetx`` does without an installation."""

import io
import json
import sys

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Identity
from glancetx.command import main
from glancetx.identity.token_file import digest_of, read_tokens

ALICE = Identity(user="alice", project="demo", roles={"member", "reader"})
OPTIONS = ["--user", "alice", "--project", "demo", "--role", "member", "--role", "reader"]


class TokenTests(SynchronousTestCase):
    """glancetx token"""

    def run_token(self, *options):
        """What it prints."""
        out = io.StringIO()
        self.patch(sys, "stdout", out)
        main(["token", *options])
        return out.getvalue()

    def test_lines(self):
        """It shows a new token once, and lines of TOML that know only its digest."""
        out = self.run_token(*OPTIONS)
        head, _, lines = out.partition("[[token]]")
        token = head.splitlines()[2]
        self.assertEqual(out.count(token), 1)
        tokens = read_tokens(f"[[token]]{lines}".encode())
        self.assertEqual(tokens, {digest_of(token): ALICE})

    def test_json(self):
        """For programs it answers with an object."""
        answer = json.loads(self.run_token("--json", *OPTIONS))
        self.assertEqual(read_tokens(answer["lines"].encode()), {digest_of(answer["token"]): ALICE})
        again = json.loads(self.run_token("--json", *OPTIONS))
        self.assertNotEqual(answer["token"], again["token"])

    def test_few_options(self):
        """Neither a project nor a role is needed."""
        answer = json.loads(self.run_token("--json", "--user", "u"))
        self.assertEqual(list(read_tokens(answer["lines"].encode()).values()), [Identity(user="u")])

    def test_bad_names(self):
        """A name that cannot be one is refused by a sentence."""
        error = self.assertRaises(SystemExit, self.run_token, "--user", "a\nb")
        self.assertIn("--user", str(error.code))
