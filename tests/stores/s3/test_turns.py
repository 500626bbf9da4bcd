"""One after the other, also when the next one is done at once."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.stores.s3.turns import Turns


class TurnsTests(SynchronousTestCase):
    """Some who want their turns at one name."""

    def setUp(self) -> None:
        self.turns = Turns()
        self.order: list[str] = []

    def come(self, who: str, until: Deferred[None] | None = None) -> Deferred[None]:
        async def stay() -> None:
            async with self.turns.of("name"):
                self.order.append(who)
                if until is not None:
                    await until

        return as_deferred(stay())

    def test_next_is_done_at_once(self) -> None:
        """Whoever has nothing to wait for ends before the one before him has quite left."""
        busy: Deferred[None] = Deferred()
        visits = [self.come("first", busy), self.come("second"), self.come("third")]
        self.assertEqual(self.order, ["first"])
        busy.callback(None)
        for visit in visits:
            self.successResultOf(visit)
        self.assertEqual((self.order, len(self.turns)), (["first", "second", "third"], 0))

    def test_cancelled(self) -> None:
        """Who gives up leaves his place to the next."""
        busy: Deferred[None] = Deferred()
        visits = [self.come("first", busy), self.come("second"), self.come("third")]
        visits[1].cancel()
        self.failureResultOf(visits[1], CancelledError)
        busy.callback(None)
        self.assertEqual((self.order, len(self.turns)), (["first", "third"], 0))
