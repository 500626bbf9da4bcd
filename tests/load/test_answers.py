"""When an answer was there, whenever its client looked."""

from __future__ import annotations

from time import monotonic, sleep

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.load.answers import ask
from tests.outbound.server import HANG, Server, Step, head


class AnswersTests(TestCase):
    """A client that sends slowly reads an answer long after it was given."""

    async def test_answer_before_the_end(self):
        """What was answered at once came before all was sent."""
        steps: list[Step] = [head("503 Not Now", "Content-Length: 3"), b"no\n", HANG]
        server = Server(self, lambda request: steps)

        def pieces():
            for _ in range(10):
                yield b"x"
                sleep(0.1)

        headers = {"Content-Length": "10"}
        answer = await deferToThread(ask, server.port, "PUT", "/", headers, pieces())
        self.assertEqual((answer.status, answer.text), (503, "no\n"))
        self.assertGreater(monotonic() - answer.came, 0.5)
        self.assertGreaterEqual(answer.came, answer.began)
