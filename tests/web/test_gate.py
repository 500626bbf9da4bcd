"""Who comes in, and what happens to a request meanwhile (contract §1.1, §1.7, §9)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from zope.interface import implementer

from glancetx.access import Identity
from glancetx.errors import IdentityUnavailable, NotAuthenticated
from glancetx.identity.everybody import Everybody
from glancetx.identity.token_file import digest_of
from glancetx.identity.tokens import StaticTokens, Tokens
from glancetx.identity.trusted import TrustedProxy
from glancetx.interfaces import IAuthenticator, IStore
from glancetx.registry.memory import MemoryRegistry
from glancetx.stores.memory import MemoryStore
from glancetx.testing.http import MemoryClient, Response
from glancetx.testing.threads import InlineThreads
from glancetx.usecases.recognition import Recognition
from glancetx.web.gate import Gate
from glancetx.web.root import Front, Root
from glancetx.web.site import StreamingSite
from tests.identity.test_keystone import WithKeystone
from tests.web.api import FORMATS, Api

ALICE = Identity(user="alice", project="demo", roles={"member"})
BOB = Identity(user="bob", project="demo", roles={"member"})
ALICE_ELSEWHERE = Identity(user="alice", project="other", roles={"member"})
CAROL = Identity(user="carol", project="other", roles={"member"})
ROOT = Identity(user="root", project="ops", roles={" ADMIN "})
BOSS = Identity(user="boss", project="ops", roles={"Boss"})
NOBODY = Identity(user="nobody")
PEOPLE = {
    "alice": ALICE,
    "bob": BOB,
    "alice-elsewhere": ALICE_ELSEWHERE,
    "carol": CAROL,
    "root": ROOT,
    "boss": BOSS,
    "nobody": NOBODY,
}
AN_ID = "11111111-2222-3333-4444-555555555555"
STRICT = Recognition()
UUID = "^req-[0-9a-f-]{36}$"


@implementer(IAuthenticator)
class Badges:
    """Recognises everybody by name, at once or when a test says so."""

    challenge: str | None = "Badge"

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []
        self.waiting: list[Deferred[Identity]] = []
        self.is_slow = False
        self.cancelled = 0
        self.error: Exception | None = None

    def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Deferred[Identity]:
        self.asked.append(headers)
        if self.error is not None:
            raise self.error
        if self.is_slow:
            waiting: Deferred[Identity] = Deferred(self._cancel)
            self.waiting.append(waiting)
            return waiting
        person = PEOPLE.get(headers.get("x-badge", ""))
        return fail(NotAuthenticated()) if person is None else succeed(person)

    def _cancel(self, waiting: Deferred[Identity]) -> None:
        self.cancelled += 1


@implementer(IStore)
class Spy(MemoryStore):
    """A store in memory that notes each call."""

    def __init__(self) -> None:
        super().__init__(None)
        self.calls: list[str] = []

    async def open(self, *args: Any, **options: Any) -> Any:
        self.calls.append("open")
        return await super().open(*args, **options)

    async def add(self, *args: Any, **options: Any) -> Any:
        self.calls.append("add")
        return await super().add(*args, **options)

    async def delete(self, *args: Any, **options: Any) -> Any:
        self.calls.append("delete")
        await super().delete(*args, **options)

    async def discard(self, *args: Any, **options: Any) -> Any:
        self.calls.append("discard")
        await super().discard(*args, **options)


class GateCase(SynchronousTestCase):
    """
    An API behind a gate, with a spy for its store.

    Its authenticator asks for badges, unless a test brings another with its ``challenge``.
    """

    recognition = Recognition()
    challenge: str | None = "Badge"

    def setUp(self) -> None:
        self.badges = Badges()
        self.store = Spy()
        self.registry = MemoryRegistry(Clock())
        self.api = self.make_api(self.recognition)

    def make_api(self, recognition: Recognition, authenticator: Any = None) -> Api:
        """An API with the same registry and store as all others of this test."""
        return Api(
            authenticator=authenticator or self.make_authenticator(),
            recognition=recognition,
            store=self.store,
            registry=self.registry,
        )

    def make_authenticator(self) -> IAuthenticator:
        """One that knows `PEOPLE` by their `credentials`."""
        return self.badges

    def credentials(self, who: str) -> Mapping[str, str]:
        """The headers by which one of `PEOPLE` is known, or somebody else is not."""
        return {"X-Badge": who}

    def ask(
        self,
        who: str | None,
        method: str,
        path: str = "/v1/images",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        shown = {} if who is None else self.credentials(who)
        return self.api.request(method, path, {**shown, **(headers or {})}, body)

    def image_of(self, who: str, body: bytes | None = b"x", **headers: str) -> str:
        """The path of a new image."""
        named = {f"x-image-meta-{name}": value for name, value in headers.items()}
        formats = {**FORMATS} if body is not None else {}
        answer = self.ask(who, "POST", headers={**formats, **named}, body=body)
        self.assertEqual(answer.status, 201, answer.body)
        return f"/v1/images/{json.loads(answer.body)['image']['id']}"

    def names(self, answer: Response) -> list[str]:
        self.assertEqual(answer.status, 200, answer.body)
        return sorted(image["name"] for image in json.loads(answer.body)["images"])

    def assert_unauthorised(self, answer: Response) -> None:
        self.assertEqual(answer.status, 401, answer.body)
        self.assertEqual(answer.header("www-authenticate"), self.challenge)
        self.assertIsNone(answer.header("x-openstack-request-id"))
        self.assertTrue(answer.is_whole)


class StrangerTests(GateCase):
    """Nobody comes in who is not known."""

    def test_a_01_v_22_unknown(self) -> None:
        """A-01, V-22: 401 with the challenge and no request id, also for unknown paths."""
        for path in (
            "/v1/images",
            "/v1/nope",
            "/v1/",
            "/v1.1/images/detail",
            f"/v1/images/{AN_ID}",
        ):
            for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "FOO"):
                for who in (None, "stranger", "alice,alice"):
                    self.assert_unauthorised(self.ask(who, method, path))
        self.assertEqual(self.store.calls, [])

    def test_words(self) -> None:
        """The text is the generic one, in the form that was asked for."""
        answer = self.ask(None, "GET", headers={"Accept": "application/json"})
        self.assertEqual(json.loads(answer.body)["title"], "Unauthorized")
        self.assertIn("could not verify", json.loads(answer.body)["message"])

    def test_early_answer(self) -> None:
        """401 comes before the body, which nobody takes."""
        client = self.api.connect()
        client.begin("POST", "/v1/images", {**FORMATS, "Expect": "100-continue"}, 10 << 30)
        self.assert_unauthorised(client.response())
        self.assertEqual(client.response().header("connection"), "close")
        self.assertEqual(self.store.calls, [])
        client.disconnect()


class RefusalTests(GateCase):
    """What is answered when nobody can tell, or nobody is asked."""

    def test_no_challenge(self) -> None:
        """An authenticator that has nothing to ask for sends no challenge."""
        self.badges.challenge = None
        answer = self.ask(None, "GET")
        self.assertEqual((answer.status, answer.header("www-authenticate")), (401, None))

    def test_public_paths(self) -> None:
        """§1.1: versions and the health check ask nobody."""
        for path, status in (("/", 300), ("/versions", 200), ("/healthcheck", 200), ("/v1", 302)):
            self.assertEqual(self.ask(None, "GET", path).status, status, path)
        self.assertEqual(self.badges.asked, [])

    def test_unavailable(self) -> None:
        """Who cannot be known now gets 503, also where strangers are let in."""
        self.api = self.make_api(Recognition(allow_anonymous_access=True))
        self.badges.error = IdentityUnavailable()
        answer = self.ask("alice", "GET")
        self.assertEqual(answer.status, 503)
        self.assertIn(b"identity service", answer.body)
        self.assertEqual(answer.header("retry-after"), "5")
        self.assertIsNone(answer.header("x-openstack-request-id"))

    def test_broken_authenticator(self) -> None:
        """One that breaks lets nobody in, and the log tells why."""
        self.badges.error = ZeroDivisionError("sesame")
        answer = self.ask("alice", "GET")
        self.assertEqual(answer.status, 500)
        self.assertNotIn(b"sesame", answer.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class TargetTests(GateCase):
    """What is asked for is told as it is routed."""

    def test_encoded_slash(self) -> None:
        """Whoever may do one thing only cannot name another by it."""
        for path in (
            "/v1/images/a%2Fmembers",
            "/v1/images/a%2fmembers?x=%2F",
            "/v1/images/a/members",
        ):
            self.ask("alice", "GET", path)
            told = self.badges.asked.pop()
            self.assertEqual((told[":method"], told[":path"]), ("GET", "/v1/images/a/members"))


class RequestIdTests(GateCase):
    """Which id a request has."""

    def id_for(self, who: str | None, inbound: str, **options: Any) -> str | None:
        answer = self.ask(who, "GET", headers={"X-Openstack-Request-ID": inbound})
        self.assertEqual(answer.status, 200)
        return answer.header("x-openstack-request-id")

    def test_v_19_v_20_adopted(self) -> None:
        """V-19, V-20: the id of somebody known is adopted, with one prefix."""
        self.assertEqual(self.id_for("alice", "abc"), "req-abc")
        self.assertEqual(self.id_for("alice", "req-abc"), "req-abc")
        self.assertEqual(self.id_for("root", "x" * 64), "req-" + "x" * 64)

    def test_v_21_too_long(self) -> None:
        """V-21: 65 characters are 431, without an id, and do nothing."""
        headers = {**FORMATS, "X-Openstack-Request-ID": "x" * 65}
        answer = self.ask("alice", "POST", headers=headers, body=b"x")
        self.assertEqual(answer.status, 431)
        self.assertIsNone(answer.header("x-openstack-request-id"))
        self.assertEqual(self.store.calls, [])

    def test_strangers(self) -> None:
        """§1.7: those of strangers, and of everybody where nobody is asked, are ignored."""
        self.api = self.make_api(Recognition(allow_anonymous_access=True))
        self.assertRegex(self.id_for(None, "abc") or "", UUID)
        self.assertRegex(self.id_for(None, "x" * 65) or "", UUID)
        self.api = self.make_api(Recognition(), Everybody())
        self.assertRegex(self.id_for("alice", "abc") or "", UUID)


class AnonymousTests(GateCase):
    """Strangers who are let in."""

    recognition = Recognition(allow_anonymous_access=True)

    def setUp(self) -> None:
        super().setUp()
        self.public = self.image_of("root", name="public", is_public="true")
        self.private = self.image_of("alice", name="private")
        self.shared = self.image_of("alice", name="shared")
        share = self.ask("alice", "PUT", f"{self.shared}/members/other")
        self.assertEqual(share.status, 204)
        self.store.calls.clear()

    def test_a_02_list(self) -> None:
        """A-02: they see what is public."""
        self.assertEqual(self.names(self.ask(None, "GET")), ["public"])
        self.assertEqual(self.names(self.ask("stranger", "GET")), ["public"])
        self.assertEqual(self.names(self.ask(None, "GET", "/v1/images?is_public=None")), ["public"])

    def test_a_02_read_only(self) -> None:
        """A-02: they change nothing, and that is said before any store or policy is asked."""
        for method, path in (
            ("POST", "/v1/images"),
            ("PUT", self.public),
            ("DELETE", self.public),
            ("PUT", self.private),
            ("DELETE", self.private),
            ("PUT", f"/v1/images/{AN_ID}"),
            ("DELETE", f"/v1/images/{AN_ID}"),
            ("PUT", f"{self.public}/members/me"),
            ("DELETE", f"{self.public}/members/me"),
            ("PUT", f"{self.public}/members"),
        ):
            headers = FORMATS if method != "DELETE" else None
            answer = self.ask(None, method, path, headers, None if method == "DELETE" else b"{}")
            self.assertEqual(answer.status, 403, (method, path))
            self.assertIn(b"Read-only access", answer.body)
        self.assertEqual(self.store.calls, [])

    def test_order(self) -> None:
        """§3.6, §9.2: wrong headers are told of first, a name that is taken is not."""
        bad = {"x-image-meta-size": "many"}
        for method, path in (("POST", "/v1/images"), ("PUT", self.public)):
            self.assertEqual(self.ask(None, method, path, bad).status, 400)
        taken = {"x-image-meta-id": self.public.rpartition("/")[2]}
        self.assertEqual(self.ask(None, "POST", headers=taken).status, 403)

    def test_a_03_single_images(self) -> None:
        """A-03: public and ownerless ones are shown to strangers, others are not there."""
        ownerless = self.image_of("root", name="ownerless", owner="")
        for path, status in (
            (self.public, 200),
            (ownerless, 200),
            (self.private, 404),
            (self.shared, 404),
        ):
            self.assertEqual(self.ask(None, "HEAD", path).status, status, path)
        self.assertEqual(self.ask(None, "GET", self.public).body, b"x")


class CallerTests(GateCase):
    """What is made of those who are known."""

    def test_a_04_admin(self) -> None:
        """A-04: an admin is one in whatever letters, with blanks or without."""
        self.image_of("alice", name="private")
        everything = "/v1/images?is_public=None"
        self.assertEqual(self.names(self.ask("root", "GET", everything)), ["private"])
        self.assertEqual(self.names(self.ask("carol", "GET", everything)), [])

    def test_a_04_trusted(self) -> None:
        """A-04: also when a proxy says so."""
        self.api = self.make_api(Recognition(), TrustedProxy(None, "127.0.0.1"))
        for roles, status in (("Admin", 200), (" ADMIN ", 200), ("member, aDmIn", 200), ("x", 404)):
            image = {"X-Identity-Status": "Confirmed", "X-Project-Id": "demo"}
            created = self.api.request("POST", "/v1/images", image)
            path = f"/v1/images/{json.loads(created.body)['image']['id']}"
            other = {"X-Identity-Status": "Confirmed", "X-Project-Id": "ops", "X-Roles": roles}
            self.assertEqual(self.api.request("HEAD", path, other).status, status, roles)

    def test_a_05_not_confirmed(self) -> None:
        """A-05: what is not confirmed is 401."""
        self.api = self.make_api(Recognition(), TrustedProxy(None, "127.0.0.1"))
        for status in ("Invalid", "confirmed", ""):
            headers = {"X-Identity-Status": status, "X-Roles": "admin"}
            self.assertEqual(self.api.request("GET", "/v1/images", headers).status, 401)

    def test_a_08_no_authentication(self) -> None:
        """A-08: where nobody is asked, images have no owner."""
        self.api = self.make_api(Recognition(), Everybody())
        answer = self.ask(None, "POST", headers={"x-image-meta-name": "n"})
        self.assertEqual(answer.status, 201)
        self.assertIsNone(json.loads(answer.body)["image"]["owner"])

    def test_a_09_owner_is_user(self) -> None:
        """A-09: images belong to users when not owner_is_tenant."""
        self.api = self.make_api(Recognition(owner_is_tenant=False))
        path = self.image_of("alice")
        self.assertEqual(self.ask("bob", "HEAD", path).status, 404)
        self.assertEqual(self.ask("alice-elsewhere", "HEAD", path).status, 200)
        self.assertEqual(self.ask("alice", "HEAD", path).header("x-image-meta-owner"), "alice")

    def test_a_10_public_of_others(self) -> None:
        """A-10: a public image of others is not changed."""
        path = self.image_of("alice")
        made_public = self.ask("root", "PUT", path, {"x-image-meta-is_public": "true"})
        self.assertEqual(made_public.status, 200)
        self.store.calls.clear()
        for method in ("PUT", "DELETE"):
            self.assertEqual(self.ask("carol", method, path).status, 403)
        self.assertEqual(self.store.calls, [])

    def test_a_11_visibility(self) -> None:
        """A-11: own, private of others, shared, public."""
        own, private = self.image_of("carol"), self.image_of("alice")
        shared, public = self.image_of("alice"), self.image_of("root", is_public="true")
        self.assertEqual(self.ask("alice", "PUT", f"{shared}/members/other").status, 204)
        seen = [self.ask("carol", "HEAD", path).status for path in (own, private, shared, public)]
        self.assertEqual(seen, [200, 404, 200, 200])
        self.store.calls.clear()
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(self.ask("carol", method, private, FORMATS, b"x").status, 404)
        self.assertEqual(self.store.calls, [])

    def test_f_07_admin_role(self) -> None:
        """F-07: the role of operators is a setting, in whatever letters."""
        path = self.image_of("alice")
        self.assertEqual(self.ask("boss", "HEAD", path).status, 404)
        for role in ("boss", " BOSS"):
            self.api = self.make_api(Recognition(admin_role=role))
            self.assertEqual(self.ask("boss", "HEAD", path).status, 200)
            self.assertEqual(self.ask("root", "HEAD", path).status, 404)

    def test_member_without_owner(self) -> None:
        """§9.5: who owns nothing shares nothing: 401, with the challenge."""
        path = self.image_of("alice")
        answer = self.ask("nobody", "PUT", f"{path}/members/x")
        told = (answer.status, answer.header("www-authenticate"))
        self.assertEqual(told, (401, self.challenge))


class WaitingTests(GateCase):
    """It may take time to find out who asks."""

    def setUp(self) -> None:
        super().setUp()
        self.badges.is_slow = True

    @cached_property
    def client(self) -> MemoryClient:
        client = self.api.connect()
        self.addCleanup(client.disconnect)
        return client

    def begin(self, length: int | None = None, method: str = "POST") -> None:
        self.client.begin(method, "/v1/images", FORMATS, length)

    def known(self, number: int = 0) -> None:
        self.badges.waiting[number].callback(ALICE)

    def test_body_waits(self) -> None:
        """The body stays in the network, and no store is touched, until it is known."""
        self.begin(5)
        self.client.send(b"hel")
        self.assertFalse(self.client.transport.is_reading)
        self.assertEqual(self.client.responses(), [])
        self.assertEqual(self.store.calls, [])
        self.known()
        self.assertTrue(self.client.transport.is_reading)
        self.client.send(b"lo")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.store.calls, ["add"])

    def test_no_body(self) -> None:
        """A request without a body is answered when it is known."""
        self.begin(method="GET")
        self.assertEqual(self.client.responses(), [])
        self.known()
        self.assertEqual(self.client.response().status, 200)
        self.assertTrue(self.client.response().is_whole)

    def test_refused_late(self) -> None:
        """A refusal may come late as well; the connection lives on."""
        self.begin(method="GET")
        self.badges.waiting[0].errback(NotAuthenticated())
        self.assert_unauthorised(self.client.response())
        self.begin(5)
        self.client.send(b"hel")
        self.badges.waiting[1].errback(IdentityUnavailable())
        self.assertEqual(self.client.response().status, 503)
        self.client.send(b"lo")
        self.begin(method="GET")
        self.known(2)
        self.assertEqual(self.client.response().status, 200)
        self.assertEqual(self.store.calls, [])

    def test_pipelined(self) -> None:
        """The next request waits for its turn."""
        self.client.send(b"GET /v1/images HTTP/1.1\r\nHost: h\r\n\r\n" * 2)
        self.assertEqual(len(self.badges.waiting), 1)
        self.known()
        self.assertEqual(len(self.badges.waiting), 2)
        self.known(1)

    def test_client_leaves(self) -> None:
        """A client that leaves ends the asking, and nothing comes of his request."""
        for length in (None, 5):
            client = self.api.connect()
            client.begin("POST", "/v1/images", FORMATS, length)
            client.disconnect()
        self.assertEqual(self.badges.cancelled, 2)
        self.assertEqual(self.store.calls, [])
        self.assertEqual(self.api.clock.getDelayedCalls(), [])
        self.badges.is_slow = False
        self.assertEqual(self.names(self.ask("root", "GET", "/v1/images?is_public=None")), [])

    def test_client_leaves_but_asking_ends(self) -> None:
        """Nor when the authenticator answers all the same."""
        client = self.api.connect()
        client.begin("POST", "/v1/images", FORMATS, None)
        self.badges.waiting[0]._canceller = lambda waiting: waiting.callback(ALICE)
        client.disconnect()
        self.badges.is_slow = False
        self.assertEqual(self.names(self.ask("root", "GET", "/v1/images?is_public=None")), [])

    def test_we_leave(self) -> None:
        """When it is the authenticator that gives up, the client is told to come again."""
        self.begin(method="GET")
        self.badges.waiting[0].errback(CancelledError())
        self.assertEqual(self.client.response().status, 503)


def spoofed_heads() -> list[bytes]:
    """The blocks of the table."""
    text = (Path(__file__).parent / "spoofed_headers.txt").read_text(encoding="ascii")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    blocks = re.split(r"\n\n+", lines.strip("\n"))
    return [block.replace("\n", "\r\n").encode() for block in blocks]


class SpoofingTests(GateCase):
    """Headers by which clients claim to be somebody change nothing (R24)."""

    def setUp(self) -> None:
        super().setUp()
        self.private = self.image_of("alice", name="private")
        self.mine = self.image_of("carol", name="mine")
        self.heads = spoofed_heads()
        self.assertGreater(len(self.heads), 15)

    def behind(self, authenticator: Any, recognition: Recognition = STRICT) -> Api:
        return self.make_api(recognition, authenticator)

    def answer(self, api: Api, line: bytes, *heads: bytes) -> tuple[int, bytes]:
        client = api.connect()
        client.send(b"\r\n".join((line + b" HTTP/1.1", b"Host: h", *filter(None, heads))))
        client.send(b"\r\n\r\n")
        response = client.response()
        client.disconnect()
        return response.status, response.body

    def assert_unchanged(self, api: Api, *own: bytes) -> None:
        """Each request is answered as if the claims were not there, before and after its own."""
        everything = b"GET /v1/images/detail?is_public=None"
        self.store.calls.clear()
        for line in (everything, b"GET " + self.private.encode(), b"GET " + self.mine.encode()):
            honest = self.answer(api, line, *own)
            touched, self.store.calls = self.store.calls, []
            for head in self.heads:
                for claims in ((head, *own), (*own, head)):
                    self.assertEqual(self.answer(api, line, *claims), honest, head)
                    self.assertEqual(self.store.calls, touched, head)
                    self.store.calls.clear()

    def make_tokens(self) -> StaticTokens:
        def read(content: bytes) -> Tokens:
            return Tokens({digest_of("sesame"): CAROL})

        path = Path(self.mktemp())
        path.touch()
        return StaticTokens(self.api.clock, path, read, InlineThreads())

    def test_none(self) -> None:
        """Where nobody is asked everybody remains the operator."""
        self.assert_unchanged(self.behind(Everybody()))
        api = self.behind(Everybody())
        for head in self.heads:
            status, body = self.answer(api, b"POST /v1/images", head, b"Content-Length: 0")
            self.assertEqual((status, json.loads(body)["image"]["owner"]), (201, None), head)

    def test_tokens(self) -> None:
        """With a token, whoever has it; without one nobody."""
        api = self.behind(self.make_tokens())
        self.assert_unchanged(api, b"X-Auth-Token: sesame")
        self.assert_unchanged(api)
        self.assertEqual(self.answer(api, b"GET " + self.private.encode())[0], 401)
        self.assertEqual(self.answer(api, b"GET /v1/images", b"X_Auth_Token: sesame")[0], 401)

    def test_keystone(self) -> None:
        """With a token of Keystone's, whoever Keystone says; without one nobody."""
        world = WithKeystone()
        world.setUp()
        # A token of a service that Keystone does not know spoils the request, as it has to.
        self.heads = [head for head in self.heads if b"X-Service-Token" not in head]
        api = self.behind(world.authenticator)
        self.assert_unchanged(api, b"X-Auth-Token: ada")
        self.assert_unchanged(api)
        path = b"GET " + self.private.encode()
        self.assertEqual(self.answer(api, path, b"X-Auth-Token: ada")[0], 404)
        self.assertEqual(self.answer(api, path, b"X_Auth_Token: ada")[0], 401)

    def test_strangers(self) -> None:
        """Strangers who are let in remain strangers."""
        self.assert_unchanged(
            self.behind(self.make_tokens(), Recognition(allow_anonymous_access=True))
        )

    def test_trusted_from_elsewhere(self) -> None:
        """Where a proxy is believed, nobody else is."""
        self.assert_unchanged(self.behind(TrustedProxy(None, "192.0.2.1,unix")))

    def test_trusted_with_underscores(self) -> None:
        """Nor does the proxy lend its trust to names that it does not know."""
        api = self.behind(TrustedProxy(None, "127.0.0.1"))
        own = (b"X-Identity-Status: Confirmed", b"X-Project-Id: other", b"X-Roles: member")
        line = b"GET " + self.private.encode()
        self.assertEqual(self.answer(api, line, *own)[0], 404)
        for claim in (b"X_Roles: admin", b"x_project_id: demo", b"X-Project_Id: demo"):
            self.assertEqual(self.answer(api, line, claim, *own)[0], 404, claim)
            self.assertEqual(self.answer(api, line, *own, claim)[0], 404, claim)

    def test_folded(self) -> None:
        """A folded header is 400, so none is hidden behind another."""
        for authenticator in (Everybody(), TrustedProxy(None, "127.0.0.1"), self.make_tokens()):
            head = b"X-Auth-Token: sesame\r\n X-Roles: admin"
            self.assertEqual(
                self.answer(self.behind(authenticator), b"GET /v1/images", head)[0], 400
            )


class Broken(Resource):
    """An API that breaks down, and may have begun to answer."""

    isLeaf = True

    def __init__(self, begun: bytes | None = None) -> None:
        super().__init__()
        self._begun = begun

    def render(self, request: IRequest) -> bytes:
        if self._begun is not None:
            request.write(self._begun)
        raise ZeroDivisionError("sesame")


class BrokenApiTests(SynchronousTestCase):
    """Nobody waits for ever for an API that broke down."""

    def setUp(self) -> None:
        self.badges = Badges()

    def begin(self, api: Broken) -> MemoryClient:
        root = Root(Gate(api, self.badges, STRICT), Front())
        client = MemoryClient(StreamingSite(root, Clock(), 60.0))
        self.addCleanup(client.disconnect)
        client.begin("GET", "/v1/images", {"X-Badge": "alice"})
        return client

    def assert_told(self) -> None:
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_at_once(self) -> None:
        """It is 500, and the log tells why."""
        answer = self.begin(Broken()).response()
        self.assertEqual(answer.status, 500)
        self.assertTrue(answer.is_whole)
        self.assertNotIn(b"sesame", answer.body)
        self.assert_told()

    def test_later(self) -> None:
        """So it is when it took time to find out who asks."""
        self.badges.is_slow = True
        client = self.begin(Broken())
        self.badges.waiting[0].callback(ALICE)
        self.assertEqual(client.response().status, 500)
        self.assertTrue(client.response().is_whole)
        self.assert_told()

    def test_half_an_answer(self) -> None:
        """An answer that had begun is broken off: it must not look whole."""
        client = self.begin(Broken(b"half"))
        self.assertFalse(client.response().is_whole)
        self.assertTrue(client.transport.is_aborted)
        self.assert_told()
