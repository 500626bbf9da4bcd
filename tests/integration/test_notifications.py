"""A real daemon tells a real receiver what happens to images, whatever state that is in."""

import json
from base64 import b64encode

from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from glancetx.notifiers.signature import Signer
from tests.integration.daemon import (
    FORMATS,
    eventually,
    folder,
    free_port,
    reactor,
    start,
)

HELLO = b"hello"
KEY = bytes(range(24))
SECRET = f"whsec_{b64encode(KEY).decode()}"
LIFE = ["create", "prepare", "upload", "activate", "update", "send", "delete"]


class Hook(Resource):
    """Answers with ``status``, or not at all when that is None; what it took is in ``taken``."""

    isLeaf = True

    def __init__(self):
        super().__init__()
        self.status: int | None = 204
        self.asked = 0
        self.taken = []
        self.problems = []

    def render(self, request):
        self.asked += 1
        if self.status is None:
            request.notifyFinish().addErrback(lambda _: None)
            return NOT_DONE_YET
        body = request.content.read()
        self._verify(request, body)
        request.setResponseCode(self.status)
        if self.status == 204:
            self.taken.append(json.loads(body))
        return b""

    def _verify(self, request, body):
        told = {name: request.getHeader(f"webhook-{name}") for name in ("id", "timestamp")}
        expected = Signer([KEY]).headers(told["id"], int(told["timestamp"]), body)
        if request.getHeader("webhook-signature") != expected["webhook-signature"]:
            self.problems.append(told)

    @property
    def events(self):
        """The events that were taken, in their order, once each."""
        ids: dict[str, str] = {}
        for each in self.taken:
            ids.setdefault(each["message_id"], each["event_type"].removeprefix("image."))
        return list(ids.values())


class WebhookTests(TestCase):
    """One receiver, and a daemon whose secret is in a file."""

    async def start_daemon(self, port, *, options="", more=()):
        self.place = folder(self)
        credentials = self.place / "webhook.toml"
        credentials.write_text(f'secret = "{SECRET}"')
        credentials.chmod(0o600)
        description = f"webhook:http://127.0.0.1:{port}/in:credentials={credentials}{options}"
        return await start(self, "--notify", description, "--registry", "memory:", *more)

    def listen(self, port=0):
        """The hook, served on a port of loopback."""
        self.hook = Hook()
        listening = reactor.listenTCP(port, Site(self.hook), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        return listening.getHost().port

    async def live(self, daemon):
        """The whole life of an image; nobody is kept waiting by notifications."""
        answer = await daemon.ask("POST", "/v1/images", FORMATS, HELLO)
        self.assertEqual(answer.status, 201)
        image_id = answer.json["image"]["id"]
        self.assertEqual((await daemon.ask("GET", f"/v1/images/{image_id}")).body, HELLO)
        self.assertEqual((await daemon.ask("DELETE", f"/v1/images/{image_id}")).status, 200)
        return image_id

    async def ends(self, daemon):
        """The daemon ends, and its log has neither the secret nor a traceback."""
        await daemon.stop()
        daemon.assert_quiet()
        self.assertNotIn(SECRET.removeprefix("whsec_"), daemon.log)
        self.assertEqual(self.hook.problems, [])

    async def test_answers(self):
        """
        Every event arrives once, in its order, signed, in the envelope of oslo.messaging.

        What waits when the daemon is told to end arrives before it does, and the log has it all.
        """
        daemon = await self.start_daemon(self.listen(), more=("--notify", "log:"))
        image_id = await self.live(daemon)
        await self.ends(daemon)
        self.assertEqual(self.hook.events, LIFE)
        self.assertEqual(len(self.hook.taken), len(LIFE))
        for each in self.hook.taken:
            self.assertEqual(
                each.keys(),
                {"message_id", "publisher_id", "timestamp", "priority", "event_type", "payload"},
            )
            self.assertEqual((each["publisher_id"], each["priority"]), ("image.localhost", "INFO"))
        sent = self.hook.taken[LIFE.index("send")]["payload"]
        self.assertEqual((sent["image_id"], sent["bytes_sent"]), (image_id, 5))
        self.assertEqual(sent["destination_ip"], "127.0.0.1")
        lines = [line for line in daemon.log.splitlines() if "glancetx.notifications#info" in line]
        documents = [json.loads(line[line.index("{") :]) for line in lines]
        self.assertEqual(documents, self.hook.taken)

    async def test_trouble(self):
        """Nobody is there, and then he fails: what he did not take comes again, in its order."""
        port = free_port()
        daemon = await self.start_daemon(port)
        await self.live(daemon)
        await daemon.says("wait: no answer")
        self.listen(port)
        self.hook.status = 500
        await eventually(lambda: self.hook.asked)
        self.hook.status = 204
        await eventually(lambda: len(self.hook.events) == len(LIFE))
        self.assertEqual(self.hook.events, LIFE)
        await daemon.says("takes notifications again")
        await self.ends(daemon)

    async def test_hangs(self):
        """One that never answers delays no request; what waits at the end is counted."""
        port = self.listen()
        self.hook.status = None
        daemon = await self.start_daemon(port, options=":queue=5", more=("--drain", "1"))
        await self.live(daemon)
        await eventually(lambda: self.hook.asked == 1)
        await daemon.says("too many wait")
        await self.ends(daemon)
        self.assertEqual(self.hook.asked, 1)
        self.assertIn("7 by now: the daemon ends", daemon.log)
