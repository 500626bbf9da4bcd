"""A server that fails is left alone, and not for longer than it fails."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.identity.breaker import CircuitBreaker


class BreakerTests(SynchronousTestCase):
    """Three failures in a row, and two seconds of pause."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.breaker = CircuitBreaker(self.clock, failures=3, pause=2.0)

    def fail_often(self, times: int = 3) -> None:
        for _ in range(times):
            self.breaker.failed()

    def test_some_failures(self) -> None:
        """Single failures keep nobody out, however many there are with a success between them."""
        for _ in range(5):
            self.fail_often(2)
            self.assertTrue(self.breaker.lets_through())
            self.breaker.succeeded()

    def test_pause(self) -> None:
        """After too many in a row everybody is kept out for a while."""
        self.fail_often()
        self.assertFalse(self.breaker.lets_through())
        self.clock.advance(1.9)
        self.assertFalse(self.breaker.lets_through())

    def test_one_tries(self) -> None:
        """Then one is let through, and the others when he has succeeded."""
        self.fail_often()
        self.clock.advance(2)
        self.assertEqual([self.breaker.lets_through() for _ in range(3)], [True, False, False])
        self.breaker.succeeded()
        self.assertEqual([self.breaker.lets_through() for _ in range(3)], [True, True, True])

    def test_one_tries_in_vain(self) -> None:
        """When he has failed, there is another pause, and another who tries."""
        self.fail_often()
        self.clock.advance(2)
        self.assertTrue(self.breaker.lets_through())
        self.clock.advance(1)
        self.breaker.failed()
        self.clock.advance(1.9)
        self.assertFalse(self.breaker.lets_through())
        self.clock.advance(0.1)
        self.assertTrue(self.breaker.lets_through())

    def test_one_tries_for_long(self) -> None:
        """While he waits for an answer others try, one in each pause."""
        self.fail_often()
        for _ in range(3):
            self.clock.advance(2)
            self.assertEqual([self.breaker.lets_through() for _ in range(2)], [True, False])

    def test_late_success(self) -> None:
        """The success of somebody who was let through before counts as well."""
        self.fail_often()
        self.breaker.succeeded()
        self.assertTrue(self.breaker.lets_through())
