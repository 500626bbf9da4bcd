"""Image bytes on the move: the handles for store authors, and what happens on the way through."""

from glancetx.streams.chunks import chunks, from_chunks
from glancetx.streams.leave import leave
from glancetx.streams.meter import Metered, Metering

__all__ = ["Metered", "Metering", "chunks", "from_chunks", "leave"]
