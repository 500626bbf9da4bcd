"""The authenticator and the daemon, as Keystone itself sees them."""

import hashlib
import os
from http.client import HTTPConnection
from io import BytesIO

from glanceclient import exc
from glanceclient.v1.client import Client
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from glancetx.deferreds import as_deferred
from glancetx.description import quote
from glancetx.errors import IdentityUnavailable, NotAllowed, NotAuthenticated
from glancetx.identity.keystone import keystone as make_authenticator
from tests.integration.daemon import eventually, reactor, start
from tests.keystone.service import real_keystone

FORMATS = {"disk_format": "raw", "container_format": "bare"}

#: An access rule, as one is given to Keystone.
SHOW_IMAGES = {"service": "image", "method": "GET", "path": "/v1/images/*"}

#: How each token of this Keystone begins.
TOKEN = "gAAAAA"

#: Headers of an upload of two MiB.
HEADERS = {
    "Content-Type": "application/octet-stream",
    "Content-Length": str(2 << 20),
    "x-image-meta-disk_format": "raw",
    "x-image-meta-container_format": "bare",
}


def begin_upload(port, headers):
    """A connection on which the first half of an image has been sent; blocks."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/v1/images")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(bytes(1 << 20))
    return connection


def finish_upload(connection):
    """The status that the upload has in the end; blocks."""
    connection.send(bytes(1 << 20))
    return connection.getresponse().status


class KeystoneCase(TestCase):
    """Before the real Keystone."""

    timeout = 300

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self):
        self.keystone = await deferToThread(real_keystone)
        self.credentials = self.write(
            f'username = "glance"\npassword = "{self.keystone.password}"\n'
            'project_name = "service"\n'
        )

    def write(self, text):
        path = os.path.abspath(self.mktemp())
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        return path

    def make(self, credentials=None, **options):
        made = make_authenticator(
            reactor, self.keystone.url, credentials=credentials or self.credentials, **options
        )
        made.startService()
        self.addCleanup(made.stopService)
        return made

    def token(self, user, **scope):
        """A new token of one of the users."""
        return deferToThread(self.keystone.token, user, **scope)

    def asking(self, made, token, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return as_deferred(made.authenticate({"x-auth-token": token, **named}, "127.0.0.1"))

    async def assert_refused(self, made, token, error=NotAuthenticated, **headers):
        with self.assertRaises(error):
            await self.asking(made, token, **headers)


class TokenTests(KeystoneCase):
    """Who has a token."""

    async def test_people(self):
        """Users are known with their projects and roles, implied ones among them."""
        made = self.make()
        found = {
            user: await self.asking(made, await self.token(user))
            for user in ("admin", "demo", "demo_reader", "alt_demo")
        }
        self.assertIn("admin", found["admin"].roles)
        self.assertEqual(found["demo"].roles, {"member", "reader"})
        self.assertEqual(found["demo_reader"].roles, {"reader"})
        self.assertEqual(found["demo"].project, found["demo_reader"].project)
        self.assertEqual(len({identity.project for identity in found.values()}), 3)
        self.assertEqual(len({identity.user for identity in found.values()}), 4)

    async def test_other_scopes(self):
        """Tokens for the system and for nothing are good for nothing here."""
        made = self.make()
        for token in (
            await self.token("admin", system_scope="all"),
            await self.token("nobody", unscoped=True),
        ):
            await self.assert_refused(made, token, NotAllowed)

    async def test_invented(self):
        """A token that Keystone has never given is nobody's."""
        made = self.make()
        token = await self.token("demo")
        self.assertTrue(token.startswith(TOKEN))
        for each in ("invented", token[:-1], token[1:], TOKEN + token[6:][::-1]):
            await self.assert_refused(made, each)

    async def test_revoked(self):
        """A revoked token is refused within the cache's lifetime."""
        made = self.make(cache="2")
        token = await self.token("demo")
        await self.asking(made, token)
        await deferToThread(self.keystone.revoke, token)
        await deferLater(reactor, 2.1)
        await self.assert_refused(made, token)

    async def test_access_rules(self):
        """An application credential with access rules is good for what they name."""
        made = self.make()
        token = await deferToThread(
            lambda: self.keystone.token_of_credential(
                *self.keystone.application_credential("demo", self.id(), access_rules=[SHOW_IMAGES])
            )
        )
        permitted = {":method": "GET", ":path": "/v1/images/a"}
        self.assertIn("member", (await self.asking(made, token, **permitted)).roles)
        await self.assert_refused(made, token, **permitted | {":path": "/v1/images"})
        await self.assert_refused(made, token, **permitted | {":method": "PUT"})

    async def test_expired(self):
        """An expired token is refused, unless another service vouches for it."""
        made = self.make(cache="1")
        token = await deferToThread(self.keystone.brief_token, "demo", 3)

        async def is_refused():
            try:
                await self.asking(made, token)
            except NotAuthenticated:
                return True
            return False

        await eventually(is_refused)
        service = await self.token("swift")
        await self.asking(made, token, x_service_token=service)
        await self.assert_refused(made, token, x_service_token=await self.token("demo"))


class OwnCredentialTests(KeystoneCase):
    """The server's own credentials."""

    async def test_wrong_password(self):
        """With a wrong password nobody can tell who anybody is."""
        made = self.make(
            self.write('username = "glance"\npassword = "wrong"\nproject_name = "service"\n')
        )
        await self.assert_refused(made, await self.token("demo"), IdentityUnavailable)

    async def test_application_credential(self):
        """An application credential of the service user does as well."""
        identity, secret = await deferToThread(
            self.keystone.application_credential, "glance", self.id()
        )
        made = self.make(
            self.write(
                f'application_credential_id = "{identity}"\n'
                f'application_credential_secret = "{secret}"\n'
            )
        )
        self.assertIn("member", (await self.asking(made, await self.token("demo"))).roles)

    async def test_own_token_revoked(self):
        """When its own token is revoked it gets another."""
        made = self.make(cache="0")
        await self.asking(made, await self.token("demo"))
        # A restart with other keys would do the same; a change of one user's password is milder.
        own = made._tokens._validate.__self__._own._held.text
        await deferToThread(self.keystone.revoke, own)
        await self.asking(made, await self.token("demo"))


class LoadTests(KeystoneCase):
    """Many requests at the same time."""

    async def test_a_thousand_requests(self):
        """A thousand requests with ten tokens, 64 at a time, ask Keystone about ten times."""
        made = self.make()
        # One that has just started refuses some of those who come together: they ask again.
        await self.asking(made, await self.token("demo"))
        tokens = [await self.token("demo") for _ in range(10)]
        before = await deferToThread(self.keystone.validations)
        for first in range(0, 1000, 64):
            numbers = range(first, min(first + 64, 1000))
            found = await gatherResults(
                [self.asking(made, tokens[number % 10]) for number in numbers]
            )
            self.assertEqual(len(found), len(numbers))
        asked = await deferToThread(self.keystone.validations) - before
        self.assertEqual(asked, 10)

    async def test_just_started(self):
        """A Keystone that has just started is asked by many together, and all are answered."""
        await deferToThread(self.keystone.restart)
        made = self.make()
        tokens = [await self.token("demo") for _ in range(10)]
        found = await gatherResults([self.asking(made, token) for token in tokens])
        self.assertEqual(len(set(found)), 1)

    async def test_stopped_and_started(self):
        """While Keystone is away the known stay known, and it is asked again when it is back."""
        made = self.make()
        known, new = await self.token("demo"), await self.token("demo")
        await self.asking(made, known)
        outcomes: set[str] = set()
        is_over = False

        async def work():
            while not is_over:
                try:
                    await self.asking(made, new)
                    outcomes.add("known")
                except IdentityUnavailable:
                    outcomes.add("unavailable")
                await self.asking(made, known)
                await deferLater(reactor, 0.01)

        await deferToThread(self.keystone.stop)
        workers = [as_deferred(work()) for _ in range(16)]
        try:
            try:
                await eventually(lambda: "unavailable" in outcomes)
                self.assertEqual(outcomes, {"unavailable"})
            finally:
                await deferToThread(self.keystone.start)
            await eventually(lambda: "known" in outcomes)
        finally:
            is_over = True
        await gatherResults(workers)
        await self.asking(made, new)


class DaemonTests(KeystoneCase):
    """A daemon, found in the catalogue by the clients of OpenStack."""

    async def start(self):
        address = f"keystone:{quote(self.keystone.url)}:credentials={quote(self.credentials)}"
        listen = f"tcp:{self.keystone.image_port}:interface=127.0.0.1"
        daemon = await start(self, "--registry", "memory:", "--auth", address, "--listen", listen)
        self.addCleanup(lambda: ensureDeferred(self.assert_discreet(daemon)))
        return daemon

    async def assert_discreet(self, daemon):
        """Neither a token nor a password is in the log of the whole run, which has all levels."""
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()
        for secret in (TOKEN, self.keystone.password):
            self.assertNotIn(secret, daemon.log)

    async def test_clients(self):
        """Members share their project's images; others do not see them, and the admin does."""
        await self.start()
        await deferToThread(self.work_with_clients)

    def work_with_clients(self):
        images = {
            user: Client(session=self.keystone.session(user)).images
            for user in ("admin", "demo", "demo_reader", "alt_demo")
        }
        made = images["demo"].create(name="mine", data=BytesIO(b"hello"), **FORMATS)
        self.assertEqual(made.checksum, hashlib.md5(b"hello").hexdigest())
        self.assertEqual(made.owner, self.keystone.session("demo").get_project_id())
        for user in ("demo", "demo_reader", "admin"):
            self.assertEqual(images[user].get(made.id).name, "mine")
        self.assertRaises(exc.HTTPNotFound, images["alt_demo"].get, made.id)
        self.assertRaises(exc.HTTPForbidden, images["demo"].update, made.id, is_public=True)
        images["admin"].update(made.id, is_public=True)
        self.assertEqual(images["alt_demo"].get(made.id).name, "mine")
        self.assertRaises(exc.HTTPForbidden, images["alt_demo"].delete, made.id)
        images["demo"].delete(made.id)

    async def test_strangers(self):
        """Without a token the answer is 401, and tells where tokens are got."""
        daemon = await self.start()
        for headers in ({}, {"X-Auth-Token": "invented"}, {"X-Roles": "admin"}):
            answer = await daemon.ask("GET", "/v1/images", headers)
            self.assertEqual(answer.status, 401)
            self.assertEqual(
                answer.headers["www-authenticate"], f"Keystone uri='{self.keystone.url}'"
            )
        token = await self.token("admin", system_scope="all")
        answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
        self.assertEqual(answer.status, 403)

    async def test_access_rules(self):
        """The daemon keeps to the access rules of a credential."""
        daemon = await self.start()
        token = await deferToThread(
            lambda: self.keystone.token_of_credential(
                *self.keystone.application_credential("demo", self.id(), access_rules=[SHOW_IMAGES])
            )
        )
        answer = await daemon.ask("GET", "/v1/images/none", {"X-Auth-Token": token})
        self.assertEqual(answer.status, 404)
        answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
        self.assertEqual(answer.status, 401)

    async def test_token_that_expires_during_an_upload(self):
        """An upload goes on when its token has expired; the next request is refused."""
        daemon = await self.start()
        token = await deferToThread(self.keystone.brief_token, "demo", 6)
        headers = {**HEADERS, "X-Auth-Token": token}
        connection = await deferToThread(begin_upload, daemon.port, headers)
        self.addCleanup(connection.close)

        async def is_refused():
            return (await daemon.ask("GET", "/v1/images", headers)).status == 401

        await eventually(is_refused)
        self.assertEqual(await deferToThread(finish_upload, connection), 201)

    async def test_keystone_away(self):
        """While Keystone is away a new token gets 503, and afterwards an answer."""
        daemon = await self.start()
        token = await self.token("demo")
        await deferToThread(self.keystone.stop)
        try:
            answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
        finally:
            await deferToThread(self.keystone.start)
        self.assertEqual(answer.status, 503)
        answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
        self.assertEqual(answer.status, 200)
