"""What is told of requests that failed, and what is not."""

from __future__ import annotations

from OpenSSL.SSL import Error as TlsError
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from glancetx.httpclient.causes import cause_of, told


class CauseTests(SynchronousTestCase):
    """Errors of an agent."""

    def test_cause(self) -> None:
        """What is behind an error is found however deep it is, or is the error itself."""
        lost = ConnectionLost("secret")
        never = ResponseNeverReceived([Failure(lost), Failure(ValueError())])
        for error in (lost, never, ResponseFailed([Failure(never)])):
            self.assertIs(cause_of(error), lost)
        empty = ResponseFailed([])
        self.assertIs(cause_of(empty), empty)

    def test_told(self) -> None:
        """Only names are told, and what TLS says."""
        self.assertEqual(told(ConnectionLost("secret")), "ConnectionLost")
        self.assertEqual(told(TlsError("certificate verify failed")).split(":")[0], "Error")
        self.assertIn("certificate verify failed", told(TlsError("certificate verify failed")))
