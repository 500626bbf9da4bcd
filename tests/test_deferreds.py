"""What cancellation means to work that cannot stop at once."""

from __future__ import annotations

from collections.abc import Awaitable, Generator

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred, finish_first, shield, stop_first


class AsDeferredTests(SynchronousTestCase):
    """Whatever an interface's method returns becomes a Deferred."""

    def test_deferred(self) -> None:
        """A Deferred is taken as it is."""
        work: Deferred[int] = Deferred()
        self.assertIs(as_deferred(work), work)

    def test_coroutine(self) -> None:
        """A coroutine is started."""

        async def work() -> int:
            return 5

        self.assertEqual(self.successResultOf(as_deferred(work())), 5)

    def test_other_awaitable(self) -> None:
        """Anything else that can be awaited is awaited."""

        class Work(Awaitable[int]):
            def __await__(self) -> Generator[Deferred[int], None, int]:
                return (yield from inner.__await__())

        inner: Deferred[int] = Deferred()
        outer = as_deferred(Work())
        self.assertNoResult(outer)
        inner.callback(7)
        self.assertEqual(self.successResultOf(outer), 7)

    def test_cancel(self) -> None:
        """A cancellation reaches what is awaited inside."""
        inner: Deferred[int] = Deferred()

        async def work() -> int:
            return await inner

        outer = as_deferred(work())
        outer.cancel()
        self.failureResultOf(outer, CancelledError)


class FinishFirstTests(SynchronousTestCase):
    """Work ends before its cancellation is told."""

    def test_result(self) -> None:
        """Without a cancellation the result passes, good or bad."""
        good: Deferred[int] = Deferred()
        outer = finish_first(good)
        self.assertNoResult(outer)
        good.callback(3)
        self.assertEqual(self.successResultOf(outer), 3)
        bad: Deferred[int] = Deferred()
        outer = finish_first(bad)
        bad.errback(ZeroDivisionError())
        self.failureResultOf(outer, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """A cancelled one fails only when the work is done, and then by CancelledError."""
        for end in (lambda work: work.callback(3), lambda work: work.errback(OSError())):
            work: Deferred[int] = Deferred()
            outer = finish_first(work)
            outer.cancel()
            outer.cancel()
            self.assertNoResult(outer)
            end(work)
            self.failureResultOf(outer, CancelledError)

    def test_awaiting_coroutine(self) -> None:
        """The coroutine that awaits it goes on when the work is done, and not before."""
        work: Deferred[int] = Deferred()
        steps: list[str] = []

        async def careful() -> None:
            try:
                await finish_first(work)
            finally:
                steps.append("cleanup")

        outer = as_deferred(careful())
        outer.cancel()
        self.assertEqual(steps, [])
        work.callback(1)
        self.assertEqual(steps, ["cleanup"])
        self.failureResultOf(outer, CancelledError)

    def test_cancelled_in_callback(self) -> None:
        """Once the work is done, a cancellation reaches what a callback waits for."""
        later: Deferred[None] = Deferred()
        work: Deferred[int] = Deferred()
        outer = finish_first(work).addCallback(lambda _: later)
        work.callback(1)
        outer.cancel()
        self.failureResultOf(outer, CancelledError)


class StopFirstTests(SynchronousTestCase):
    """Work is stopped before its cancellation is told."""

    def test_result(self) -> None:
        """Without a cancellation the result passes, good or bad."""
        self.assertEqual(self.successResultOf(stop_first(_returns(4))), 4)
        bad: Deferred[int] = Deferred()
        outer = stop_first(bad)
        bad.errback(ZeroDivisionError())
        self.failureResultOf(outer, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """The work is cancelled; whatever it makes of that is told as a cancellation."""
        for canceller in (
            None,
            lambda work: work.callback(3),
            lambda work: work.errback(OSError()),
        ):
            work: Deferred[int] = Deferred(canceller)
            outer = stop_first(work)
            outer.cancel()
            self.failureResultOf(outer, CancelledError)

    def test_slow_to_stop(self) -> None:
        """Work that takes its time to stop is waited for."""
        inner: Deferred[int] = Deferred()
        outer = stop_first(finish_first(inner))
        outer.cancel()
        self.assertNoResult(outer)
        inner.callback(1)
        self.failureResultOf(outer, CancelledError)


class ShieldTests(SynchronousTestCase):
    """Work goes on although nobody waits for it any more."""

    def test_result(self) -> None:
        """Without a cancellation the result passes, good or bad."""
        self.assertEqual(self.successResultOf(shield(as_deferred(_returns(4)))), 4)
        bad: Deferred[int] = Deferred()
        outer = shield(bad)
        bad.errback(ZeroDivisionError())
        self.failureResultOf(outer, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """A cancelled one fails at once; the work is not cancelled, and its end dropped."""
        for end in (lambda work: work.callback(3), lambda work: work.errback(OSError())):
            work: Deferred[int] = Deferred()
            outer = shield(work)
            outer.cancel()
            self.failureResultOf(outer, CancelledError)
            self.assertFalse(work.called)
            end(work)


async def _returns(value: int) -> int:
    return value
