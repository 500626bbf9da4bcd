"""Tests of the bytes of open files."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import StoreUnavailable
from glancetx.files import Descriptor
from glancetx.interfaces import IByteStream, IFileSpan
from glancetx.streams.span import STRIDE, FileSpan, FileStream
from glancetx.testing.streams import RecordingConsumer
from glancetx.testing.threads import HeldThreads, InlineThreads

DATA = os.urandom(3 * STRIDE + 17)


class SpanCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads: InlineThreads = InlineThreads()
        self.path = self.mktemp()
        with open(self.path, "wb") as file:
            file.write(DATA)

    def span(self, start: int = 0, length: int = len(DATA)) -> FileSpan:
        file = Descriptor(os.open(self.path, os.O_RDONLY))
        return FileSpan(file, start, length, self.threads.run)


class PouringTests(SpanCase):
    """It is a stream as any other."""

    def test_interfaces(self) -> None:
        """Some are streams alone."""
        span = self.span()
        verifyObject(IFileSpan, span)
        stream = FileStream(span._file, 0, 1, self.threads.run)
        verifyObject(IByteStream, stream)
        self.assertFalse(IFileSpan.providedBy(stream))

    def test_whole(self) -> None:
        """All bytes between its ends, and then the file is closed."""
        span, consumer = self.span(5, len(DATA) - 10), RecordingConsumer()
        self.successResultOf(ensureDeferred(span.flow_to(consumer)))
        self.assertEqual(consumer.data, DATA[5:-5])
        self.assertEqual(span.number, -1)

    def test_cut_short(self) -> None:
        """A file that has become shorter breaks the stream."""
        span = self.span()
        os.truncate(self.path, 10)
        self.failureResultOf(ensureDeferred(span.flow_to(RecordingConsumer())), StoreUnavailable)
        self.assertEqual(span.number, -1)


class AtHandTests(SpanCase):
    """Whether bytes can be had without waiting for a disk."""

    def test_in_memory(self) -> None:
        """What was just written can."""
        self.assertTrue(self.span().is_at_hand(0, len(DATA)))
        self.assertTrue(self.span().is_at_hand(len(DATA) - 1, 1))

    def test_everywhere(self) -> None:
        """The system is asked at each stride, and for the last byte."""
        asked: list[int] = []

        def preadv(number: int, buffers: Any, position: int, flags: int) -> int:
            self.assertEqual((len(buffers[0]), flags), (1, os.RWF_NOWAIT))
            asked.append(position)
            return 1

        self.patch(os, "preadv", preadv)
        self.assertTrue(self.span().is_at_hand(7, 2 * STRIDE))
        self.assertEqual(asked, [7, 7 + STRIDE, 7 + 2 * STRIDE - 1])

    def test_on_disk(self) -> None:
        """What would have to be waited for is not; nor what the file system does not tell."""
        for number in errno.EAGAIN, errno.EOPNOTSUPP:

            def preadv(*_: Any, number: int = number) -> int:
                raise OSError(number, "")

            self.patch(os, "preadv", preadv)
            self.assertFalse(self.span().is_at_hand(0, 1))


class FetchTests(SpanCase):
    """Bytes are brought into memory by threads."""

    def test_read(self) -> None:
        """All of them are read, and no more; the disk is told what comes after."""
        read: list[tuple[int, int]] = []
        advised: list[tuple[int, int, int]] = []
        preadv = os.preadv

        def recording(number: int, buffers: Any, position: int) -> int:
            size = preadv(number, buffers, position)
            read.append((position, size))
            return size

        self.patch(os, "preadv", recording)
        self.patch(os, "posix_fadvise", lambda number, *advice: advised.append(advice))
        span = self.span()
        self.assertIsNone(self.successResultOf(as_deferred(span.fetch(10, STRIDE))))
        self.assertEqual((read[0][0], sum(read[-1])), (10, 10 + STRIDE))
        self.assertEqual(advised, [(10 + STRIDE, STRIDE, os.POSIX_FADV_WILLNEED)])
        self.assertNotEqual(span.number, -1)

    def test_beyond_the_end(self) -> None:
        """A file that has become shorter ends the reading: whoever sends it will notice."""
        self.assertIsNone(self.successResultOf(as_deferred(self.span().fetch(0, 1 << 30))))

    def test_closed_meanwhile(self) -> None:
        """The file stays open until no thread reads it: another one might get its number."""
        self.threads = threads = HeldThreads()
        span = self.span()
        fetching = as_deferred(span.fetch(0, 10))
        fetching.cancel()
        span.close(0)
        self.assertNotEqual(span.number, -1)
        threads.do_all()
        self.assertEqual(span.number, -1)
        self.failureResultOf(fetching, CancelledError)

    def test_no_threads(self) -> None:
        """When there is nobody to read it, the file is closed all the same."""

        async def refuse(*_: Any) -> None:
            raise StoreUnavailable()

        span = FileSpan(Descriptor(os.open(self.path, os.O_RDONLY)), 0, 10, refuse)
        self.failureResultOf(as_deferred(span.fetch(0, 10)), StoreUnavailable)
        span.close(0)
        self.assertEqual(span.number, -1)
