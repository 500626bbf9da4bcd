"""Before an API: nobody comes in before it is known who he is (contract §1.1, §9.1)."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from glancetx import log_context
from glancetx.access import Caller
from glancetx.errors import GlanceError, NotAuthenticated
from glancetx.interfaces import IAuthenticator
from glancetx.usecases.recognition import Recognition
from glancetx.web.connections import source_of
from glancetx.web.context import (
    REQUEST_ID,
    ReceivedHeaders,
    client_of,
    new_request_id,
    peer_of,
    request_id,
    target_of,
)
from glancetx.web.errors import HttpError, error_body
from glancetx.web.failures import glance_error_body
from glancetx.web.rates import RequestRate
from glancetx.web.request import StreamingRequest, streaming

_log = Logger()


class Gate(Resource):
    """
    Asks an authenticator who sends a request, and hands it to the API behind, unless he has asked
    too often.

    Meanwhile the request's body stays in the network, and a client that leaves ends the asking.
    What is refused here has no request id.
    """

    isLeaf = True

    def __init__(
        self,
        api: IResource,
        authenticator: IAuthenticator,
        recognition: Recognition,
        rate: RequestRate | None = None,
    ) -> None:
        super().__init__()
        self._rate = rate
        self._api = api
        self._authenticator = authenticator
        self._recognition = recognition

    def render(self, request: IRequest) -> bytes | int:
        known = streaming(request)
        answers: list[bytes | int] = []
        asking = ensureDeferred(self._answer(known))
        asking.addErrback(_fail, known)
        asking.addCallback(answers.append)
        if answers:
            return answers[0]
        known.notifyFinish().addErrback(lambda _: asking.cancel())
        asking.addCallback(lambda _: _finish(known, answers[0]))
        return NOT_DONE_YET

    async def _answer(self, request: StreamingRequest) -> bytes | int:
        """What `render` would return, if the API were behind no gate."""
        try:
            own = _known_as(request, new_request_id())
            request.challenge = self._authenticator.challenge
            request.caller = await self._caller_of(request)
            inbound = request.getHeader(REQUEST_ID)
            name = _known_as(request, request_id(inbound, request.caller, own))
            request.setHeader(REQUEST_ID, name)
        except HttpError as error:
            return error_body(request, error.status, error.explanation)
        except NotAuthenticated:
            return glance_error_body(request, NotAuthenticated(), is_explained=False)
        except GlanceError as error:
            return glance_error_body(request, error)
        except CancelledError:
            # If the client is still there, it is we who are leaving.
            return NOT_DONE_YET if request.is_lost else error_body(request, 503)
        except Exception as error:  # noqa: BLE001 - authenticators are anybody's
            _log.failure("nobody could tell who sends a request")
            request.site.observer.failed(error)
            return error_body(request, 500)
        if request.is_lost:
            return NOT_DONE_YET
        answer: bytes | int = self._api.render(request)
        return answer

    async def _caller_of(self, request: StreamingRequest) -> Caller:
        headers = ReceivedHeaders(request.requestHeaders, target_of(request))
        try:
            identity = await self._authenticator.authenticate(headers, peer_of(request))
        except NotAuthenticated:
            self._count(request, Caller())
            return self._recognition.stranger()
        caller = self._recognition.caller(identity)
        self._count(request, caller)
        return caller

    def _count(self, request: StreamingRequest, caller: Caller) -> None:
        """
        :raises TooManyRequests: when he, or his project, has asked too often.
        """
        if self._rate is not None:
            host = client_of(request)
            self._rate.check(caller, host and source_of(host))


def _known_as(request: StreamingRequest, name: str) -> str:
    """Let the log know which request it is that we are at work on."""
    log_context.request_id.set(name)
    request.request_id = name
    return name


def _fail(failure: Failure, request: StreamingRequest) -> bytes | int:
    """What is answered when the API itself broke down; nobody else would answer."""
    _log.failure("the API behind the gate broke down", failure)
    request.site.observer.failed(failure.value)
    if request.startedWriting:
        request.abort()
    if request.startedWriting or request.is_lost:
        return NOT_DONE_YET
    return error_body(request, 500)


def _finish(request: StreamingRequest, answer: bytes | int) -> None:
    if isinstance(answer, bytes):
        request.write(answer)
        request.finish()
