"""A daemon that wants to know who asks."""

import json
import os
import signal
import sys

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.identity.token_file import new_token, token_lines
from tests.integration.daemon import (
    FORMATS,
    TWISTD,
    ask,
    call,
    eventually,
    folder,
    start,
)

PRIVATE = "/v1/images?is_public=None"


class HelpTests(SynchronousTestCase):
    """What is told without starting anything."""

    def test_help_auth(self):
        """--help-auth lists the installed ways to authenticate, and what they can be told."""
        result = call(TWISTD, "glance", "--help-auth")
        self.assertEqual(result.returncode, 0)
        kinds = [each.partition(" - ")[0] for each in result.stdout.split("\n\n")]
        self.assertTrue({"none", "tokens", "trusted"} <= set(kinds), kinds)
        self.assertEqual(kinds, sorted(kinds))
        self.assertIn("    tokens:FILE\n        file  file of the tokens", result.stdout)


class TokenTests(TestCase):
    """--auth tokens:FILE"""

    def setUp(self):
        self.file = folder(self) / "tokens.toml"
        self.alice, self.root = new_token(), new_token()
        self.write(
            token_lines(self.alice, "alice", "demo", ["member"]),
            token_lines(self.root, "root", "ops", ["Admin"]),
        )

    def write(self, *texts):
        beside = self.file.with_suffix(".new")
        beside.write_text("\n".join(texts))
        os.replace(beside, self.file)

    def start(self, *options):
        return start(self, "--auth", f"tokens:{self.file}", "--registry", "memory:", *options)

    async def test_tokens(self):
        """Who has a token works in his project; who has none is refused; the log knows neither."""
        daemon = await self.start()
        answer = await daemon.ask("GET", "/v1/images")
        self.assertEqual(answer.status, 401)
        self.assertIn("www-authenticate", answer.headers)
        self.assertNotIn("x-openstack-request-id", answer.headers)
        self.assertEqual((await daemon.ask("GET", "/v1/nope")).status, 401)
        self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 200)
        self.assertEqual((await daemon.ask("GET", "/")).status, 300)

        alice, root = {"X-Auth-Token": self.alice}, {"X-Auth-Token": self.root}
        created = await daemon.ask("POST", "/v1/images", {**FORMATS, **alice}, b"hello")
        self.assertEqual(created.status, 201)
        image = created.json["image"]
        self.assertEqual(image["owner"], "demo")
        path = f"/v1/images/{image['id']}"
        self.assertEqual((await daemon.ask("GET", path)).status, 401)
        self.assertEqual((await daemon.ask("GET", path, alice)).body, b"hello")
        self.assertEqual((await daemon.ask("GET", path, root)).body, b"hello")
        named = {**alice, "X-Openstack-Request-Id": "mine"}
        answer = await daemon.ask("GET", "/v1/images", named)
        self.assertEqual(answer.headers["x-openstack-request-id"], "req-mine")
        spoofed = {"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-User-Id": "root"}
        self.assertEqual((await daemon.ask("GET", PRIVATE, spoofed)).status, 401)

        await daemon.stop()
        daemon.assert_quiet()
        for token in (self.alice, self.root):
            self.assertNotIn(token, daemon.log)

    async def test_change(self):
        """A changed file is read within seconds, and at once on SIGHUP; a broken one is not."""
        daemon = await self.start()
        alice, root = {"X-Auth-Token": self.alice}, {"X-Auth-Token": self.root}

        async def status(who):
            return (await daemon.ask("GET", "/v1/images", who)).status

        self.assertEqual(await status(alice), 200)
        self.write(token_lines(self.root, "root", "ops", ["admin"]))

        async def is_out():
            return await status(alice) == 401

        await eventually(is_out)
        self.assertEqual(await status(root), 200)

        self.write("[[token]]\nsha256 = 5\n")
        os.kill(daemon.pid, signal.SIGHUP)
        await daemon.says("is refused: in token 1 'sha256'")
        self.assertEqual(await status(root), 200)

        self.write(token_lines(self.alice, "alice", "demo", []))
        os.kill(daemon.pid, signal.SIGHUP)
        await daemon.says("tokens.toml was read(?s:.*)tokens.toml was read")
        self.assertEqual((await status(root), await status(alice)), (401, 200))
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()

    async def test_anonymous(self):
        """Strangers read when the file says so, and change nothing."""
        config = self.file.with_name("glance.toml")
        config.write_text("allow_anonymous_access = true\nadmin_role = 'boss'\n")
        daemon = await self.start("--config", config)
        answer = await daemon.ask("GET", "/v1/images")
        self.assertEqual((answer.status, answer.json), (200, {"images": []}))
        answer = await daemon.ask("POST", "/v1/images", FORMATS, b"x")
        self.assertEqual(answer.status, 403)
        self.assertIn(b"Read-only access", answer.body)
        self.assertEqual(daemon.files(), [])

    async def test_every_address(self):
        """With authentication it listens where others can reach it."""
        here, everywhere = (f"tcp:0:interface={each}" for each in ("127.0.0.1", "0.0.0.0"))
        daemon = await self.start("--listen", here, "--listen", everywhere)
        await daemon.says(r"listening on 0\.0\.0\.0:")


class CommandTests(TestCase):
    """glancetx token"""

    async def test_token(self):
        """What it prints is what the daemon wants."""
        options = ("--json", "--user", "u", "--project", "p")
        result = call(sys.executable, "-m", "glancetx", "token", *options)
        made = json.loads(result.stdout)
        file = folder(self) / "tokens.toml"
        file.write_text(made["lines"])
        daemon = await start(self, "--auth", f"tokens:{file}", "--registry", "memory:")
        answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": made["token"]})
        self.assertEqual(answer.status, 200)


class TrustedTests(TestCase):
    """--auth trusted:"""

    ALICE = {
        "X-Identity-Status": "Confirmed",
        "X-User-Id": "alice",
        "X-Project-Id": "demo",
        "X-Roles": "Member",
    }

    async def test_from_the_proxy(self):
        """Headers from a listed address are believed, if they are confirmed."""
        daemon = await start(self, "--auth", "trusted:127.0.0.1,unix", "--registry", "memory:")
        created = await daemon.ask("POST", "/v1/images", {**FORMATS, **self.ALICE}, b"hello")
        self.assertEqual((created.status, created.json["image"]["owner"]), (201, "demo"))
        path = f"/v1/images/{created.json['image']['id']}"
        for headers, status in (
            ({**self.ALICE, "X-Project-Id": "other"}, 404),
            ({**self.ALICE, "X-Project-Id": "other", "X-Roles": " ADMIN "}, 200),
            ({**self.ALICE, "X-Project-Id": "other", "X_Roles": "admin"}, 404),
            ({**self.ALICE, "X-Identity-Status": "Invalid"}, 401),
            ({**self.ALICE, "X-Service-Catalog": "not JSON"}, 200),
            ({}, 401),
        ):
            self.assertEqual((await daemon.ask("GET", path, headers)).status, status, headers)

    async def test_from_elsewhere(self):
        """From any other address they are nothing."""
        daemon = await start(self, "--auth", "trusted:192.0.2.1,unix", "--registry", "memory:")
        headers = {**self.ALICE, "X-Roles": "admin", "X-Forwarded-For": "192.0.2.1"}
        answer = await deferToThread(ask, daemon.port, "GET", PRIVATE, headers)
        self.assertEqual(answer.status, 401)
