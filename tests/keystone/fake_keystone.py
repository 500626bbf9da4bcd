"""A Keystone in memory: it knows some tokens, counts what it is asked, and fails when told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.web.iweb import IAgent, IRequest, IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from glancetx.keystone.credentials import Credentials, parse_credentials

URL = "http://keystone.example/v3"
PASSWORD = "the password of the service user"

#: The time at which tests begin, in seconds since the epoch.
NOW = 1_800_000_000.0


#: Its catalogue.
SERVICES = [
    {
        "type": name,
        "endpoints": [
            {"interface": "public", "region_id": "RegionOne", "url": f"http://{name}.example/"}
        ],
    }
    for name in ("image", "compute")
]


def started_clock() -> Clock:
    """A clock that tells seconds since the epoch, as a reactor does."""
    clock = Clock()
    clock.advance(NOW)
    return clock


def document(life: float = 3600.0, **changes: Any) -> dict[str, Any]:
    """What Keystone says about a token that lives for so many seconds from `NOW` on."""
    token: dict[str, Any] = {
        "user": {"id": "ada", "name": "Ada"},
        "project": {"id": "engines", "name": "Engines"},
        "roles": [{"id": "1", "name": "member"}],
        "expires_at": datetime.fromtimestamp(NOW + life, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "catalog": SERVICES,
    }
    token.update(changes)
    return {"token": {key: value for key, value in token.items() if value is not None}}


class FakeKeystone(Resource):
    """Serves ``/v3/auth/tokens`` as Keystone does, and is an agent's other end."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, dict[str, Any]] = {}
        self.expired: set[str] = set()
        self.own_tokens: list[str] = []
        self.own_life = 3600.0
        self.services: list[Any] = SERVICES
        self.logins: list[Any] = []
        self.asked: list[str] = []
        self.seen: list[IRequest] = []
        #: Tokens of ours whose owner may do nothing any more.
        self.powerless: set[str] = set()
        #: How many further questions it answers by 403, as one does that has just started.
        self.refusals = 0
        #: What it answers instead: a status and a body.
        self.instead: tuple[int, bytes] | None = None
        self.instead_of_validation: tuple[int, bytes] | None = None
        self.is_holding = False
        self._held: list[tuple[Any, bytes]] = []
        self.agent = SwitchedAgent(RequestTraversalAgent(self))

    def render(self, request: Any) -> Any:
        self.seen.append(request)
        if request.path != b"/v3/auth/tokens":
            return _error(request, 404)
        if request.method == b"POST":
            answer = self._log_in(request)
        else:
            answer = self._validate(request)
        instead = self.instead
        if instead is None and request.method == b"GET":
            instead = self.instead_of_validation
        if instead is not None:
            status, answer = instead
            request.setResponseCode(status)
            request.setHeader("Location", f"{URL}/auth/tokens")
        if not self.is_holding:
            return answer
        self._held.append((request, answer))
        return NOT_DONE_YET

    def release(self) -> None:
        """Give the answers that were held back, and hold no more."""
        self.is_holding = False
        held, self._held = self._held, []
        for request, answer in held:
            request.write(answer)
            request.finish()
        self.agent.flush()

    def _log_in(self, request: Any) -> bytes:
        asked = json.loads(request.content.read())
        self.logins.append(asked)
        if asked["auth"]["identity"]["password"]["user"]["password"] != PASSWORD:
            return _error(request, 401)
        text = f"own-{len(self.logins)}"
        self.own_tokens.append(text)
        request.setResponseCode(201)
        request.setHeader("X-Subject-Token", text)
        catalog = None if request.uri.endswith(b"?nocatalog") else self.services
        return json.dumps(document(self.own_life, catalog=catalog)).encode()

    def _validate(self, request: Any) -> bytes:
        text = request.getHeader("x-subject-token")
        self.asked.append(text)
        if request.getHeader("x-auth-token") not in self.own_tokens:
            return _error(request, 401)
        if request.getHeader("x-auth-token") in self.powerless:
            return _error(request, 403)
        if self.refusals > 0:
            self.refusals -= 1
            return _error(request, 403)
        known = self.tokens.get(text)
        if known is None or (text in self.expired and b"allow_expired" not in request.args):
            return _error(request, 404)
        if request.getHeader("openstack-identity-access-rules") != "1":
            return _error(request, 404)
        return json.dumps(known).encode()


@implementer(IAgent)
class SwitchedAgent:
    """An agent whose network may be down."""

    def __init__(self, agent: RequestTraversalAgent) -> None:
        self._agent = agent
        self.is_down = False

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Any = None,
        bodyProducer: Any = None,  # noqa: N803
    ) -> Deferred[IResponse]:
        if self.is_down:
            return fail(ConnectionRefusedError())
        response: Deferred[IResponse] = self._agent.request(method, uri, headers, bodyProducer)
        return response

    def flush(self) -> None:
        self._agent.flush()


def _error(request: Any, status: int) -> bytes:
    request.setResponseCode(status)
    return json.dumps({"error": {"code": status}}).encode()


def own_credentials(password: str = PASSWORD) -> Credentials:
    """The credentials of the service user, or wrong ones."""
    return parse_credentials(
        {"username": "glance", "password": password, "project_name": "service"},
        "the service user",
    )
