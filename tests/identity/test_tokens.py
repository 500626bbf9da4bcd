"""Static tokens, and the file they are in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.access import Identity
from glancetx.errors import NotAuthenticated
from glancetx.identity.token_file import digest_of, new_token, read_tokens, token_lines
from glancetx.identity.tokens import StaticTokens, Tokens, static_tokens
from glancetx.interfaces import IAuthenticator
from glancetx.testing.authenticator_contract import AuthenticatorContract, Credentials
from glancetx.testing.threads import HeldThreads, InlineThreads
from tests.web.case import logged_events

SECRET = "pr-U7vOZ8b5l-RkkMUFvNxVmJzNnp5U3kPYXnJ4FZBs"
ALICE = Identity(user="alice", project="demo", roles={"member"})
LINES = token_lines(SECRET, "alice", "demo", ["member"])


class ContractTests(AuthenticatorContract, TestCase):
    """It keeps the promises of every authenticator."""

    expected = ALICE
    secret = SECRET

    def make_authenticator(self) -> IAuthenticator:
        path = Path(self.mktemp())
        path.write_text(LINES)
        return static_tokens(reactor, str(path))

    def good(self) -> Credentials:
        return {"x-auth-token": SECRET}, "127.0.0.1"

    def bad(self) -> Iterable[Credentials]:
        yield {"x-auth-token": SECRET[:-1]}, "127.0.0.1"
        yield {"x-auth-token": f"{SECRET},{SECRET}"}, "127.0.0.1"
        yield {"x-auth-token": digest_of(SECRET).hex()}, None
        yield {"authorization": SECRET}, None


class HeaderTests(SynchronousTestCase):
    """Where a token is shown."""

    def ask(self, **headers: str) -> Identity | None:
        path = Path(self.mktemp())
        path.write_text(LINES)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = static_tokens(None, str(path)).authenticate(named, None)
        if isinstance(asked.result, Identity):
            return self.successResultOf(asked)
        self.failureResultOf(asked, NotAuthenticated)
        return None

    def test_headers(self) -> None:
        """In X-Auth-Token, or else in X-Storage-Token; blanks round it do not count."""
        self.assertEqual(self.ask(x_auth_token=f" {SECRET} "), ALICE)
        self.assertEqual(self.ask(x_storage_token=SECRET), ALICE)
        self.assertIsNone(self.ask(x_auth_token="wrong", x_storage_token=SECRET))


class FileTests(SynchronousTestCase):
    """What a file of tokens looks like."""

    def refused(self, text: str) -> str:
        return str(self.assertRaises(ValueError, read_tokens, text.encode()))

    def test_new_lines(self) -> None:
        """The lines for a new token make it valid, whatever its names have in them."""
        for user, project, roles in (
            ("alice", "demo", ["member"]),
            ('Al "x" \\', None, []),
            ("é☃\U0001f511", "p", ["A", "b "]),
        ):
            token = new_token()
            lines = token_lines(token, user, project, roles)
            self.assertNotIn(token, lines)
            expected = Identity(user=user, project=project, roles=roles)
            self.assertEqual(read_tokens(lines.encode()), {digest_of(token): expected})

    def test_tokens_are_long_and_differ(self) -> None:
        """A token has 256 random bits."""
        tokens = {new_token() for _ in range(100)}
        self.assertEqual(len(tokens), 100)
        self.assertTrue(all(len(token) == 43 for token in tokens))

    def test_no_names(self) -> None:
        """Nobody is called by nothing, or by what cannot be written."""
        for user, project, role in (("", "p", "r"), ("u", "a\nb", "r"), ("u", "p", "x" * 256)):
            self.assertRaises(ValueError, token_lines, "t", user, project, [role])

    def test_empty(self) -> None:
        """A file without tokens is one: that is how all are withdrawn."""
        self.assertEqual(read_tokens(b""), {})

    def test_refused(self) -> None:
        """Each mistake is told in one sentence."""
        digest = "0" * 64
        for text, fragment in (
            ("[[token]", ""),
            ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), ""),
            ("tokens = 1", "'tokens'"),
            ("token = 1", "[[token]]"),
            ("token = [1]", "[[token]]"),
            ("[[token]]", "sha256"),
            (f'[[token]]\nsha256 = "{digest[1:]}"\nuser = "u"', "sha256"),
            ('[[token]]\nsha256 = 5\nuser = "u"', "sha256"),
            (f'[[token]]\nsha256 = "{digest}"', "'user'"),
            (f'[[token]]\nsha256 = "{digest}"\nuser = ""', "'user'"),
            (f'[[token]]\nsha256 = "{digest}"\nuser = "u"\nproject = 5', "'project'"),
            (f'[[token]]\nsha256 = "{digest}"\nuser = "u"\nroles = "admin"', "'roles'"),
            (f'[[token]]\nsha256 = "{digest}"\nuser = "u"\nroles = [5]', "'roles'"),
            (f'[[token]]\nsha256 = "{digest}"\nuser = "u"\nrole = ["admin"]', "'role'"),
            (LINES + LINES, "token 2"),
        ):
            sentence = self.refused(text)
            self.assertIn(fragment, sentence, text)
            self.assertNotIn("\n", sentence)


class FindTests(SynchronousTestCase):
    """How a token is looked for."""

    def test_hidden(self) -> None:
        """Nothing of a digest is compared with a guess: each set has a key of its own."""
        digest = digest_of(SECRET)
        one, other = Tokens({digest: ALICE}), Tokens({digest: ALICE})
        self.assertNotEqual(list(one._identities), list(other._identities))
        self.assertNotIn(digest, one._identities)
        self.assertEqual(one.find(SECRET), ALICE)
        self.assertIsNone(one.find("x"))


class ReloadTests(SynchronousTestCase):
    """The file changes while the daemon runs."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.write_text(LINES)
        self.clock = Clock()
        self.threads: Any = InlineThreads()
        self.events = logged_events(self)

    def start(self) -> None:
        def read(content: bytes) -> Tokens:
            return Tokens(read_tokens(content))

        self.tokens = StaticTokens(self.clock, self.path, read, self.threads)
        self.tokens.startService()
        self.addCleanup(lambda: self.successResultOf(self.tokens.stopService()))

    def write(self, text: str) -> None:
        """As an editor does it: beside, and then in its place."""
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        os.replace(beside, self.path)

    def knows(self, token: str) -> bool:
        return self.tokens.value.find(token) is not None

    def troubles(self) -> list[str]:
        return [str(event["trouble"]) for event in self.events if "trouble" in event]

    def test_change(self) -> None:
        """A change is in force after two looks a second apart; the old tokens are not."""
        self.start()
        self.write(token_lines("other", "bob", None, []))
        self.clock.pump([1])
        self.assertTrue(self.knows(SECRET))
        self.clock.pump([1])
        self.assertTrue(self.knows("other"))
        self.assertFalse(self.knows(SECRET))

    def test_half_written(self) -> None:
        """A file that still changes from look to look is left alone."""
        self.start()
        for size in range(1, 6):
            self.path.write_text(LINES[:size])
            self.clock.pump([1])
            self.assertTrue(self.knows(SECRET))
        self.assertEqual(self.troubles(), [])
        self.write(LINES)
        self.clock.pump([1, 1])
        self.assertTrue(self.knows(SECRET))

    def test_broken(self) -> None:
        """A broken file is refused by one clear line, and the old tokens stay."""
        self.start()
        self.write("[[token]]\nuser = 5")
        self.clock.pump([1] * 5)
        self.assertTrue(self.knows(SECRET))
        [trouble] = self.troubles()
        self.assertIn(str(self.path), trouble)
        self.assertIn("sha256", trouble)
        self.write("")
        self.clock.pump([1, 1])
        self.assertFalse(self.knows(SECRET))

    def test_missing(self) -> None:
        """So is a file that has gone."""
        self.start()
        self.path.unlink()
        self.clock.pump([1] * 5)
        self.assertTrue(self.knows(SECRET))
        self.assertEqual(len(self.troubles()), 1)
        self.write("")
        self.clock.pump([1, 1])
        self.assertFalse(self.knows(SECRET))

    def test_told(self) -> None:
        """When told to, it reads at once."""
        self.start()
        self.write("")
        self.successResultOf(_done(self.tokens))
        self.assertFalse(self.knows(SECRET))

    def test_off_the_reactor(self) -> None:
        """Every look is a job of a thread, one at a time, and none is left at the end."""
        self.threads = HeldThreads()
        self.start()
        self.assertEqual(self.threads.held, 1)
        self.clock.pump([1] * 5)
        self.assertEqual(self.threads.held, 1)
        self.threads.do_all()
        self.clock.pump([1])
        self.assertEqual(self.threads.held, 1)
        stopped = self.tokens.stopService()
        self.threads.do_all()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bad_start(self) -> None:
        """A file that is missing or broken keeps it from being made."""
        self.path.write_text("x")
        self.assertIn("refused", str(self.assertRaises(ValueError, self.start)))
        self.path.unlink()
        self.assertIn("No such file", str(self.assertRaises(ValueError, self.start)))


def _done(tokens: StaticTokens) -> Any:
    from glancetx.deferreds import as_deferred

    return as_deferred(tokens.reload())
