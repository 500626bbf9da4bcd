"""Image bytes on the move: the handles for store authors, and what happens on the way through."""

from glancetx.streams.chunks import chunks, from_chunks, nothing
from glancetx.streams.leave import leave
from glancetx.streams.meter import Metered, Metering
from glancetx.streams.parts import Part, parts

__all__ = ["Metered", "Metering", "Part", "chunks", "from_chunks", "leave", "nothing", "parts"]
