"""All families by the names that they have in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.hostile import contents, framing, heads
from tests.hostile.message import Message

FAMILIES: Mapping[str, Callable[[], Iterator[Message]]] = {
    "lengths and encodings": framing.lengths,
    "chunks and trailers": framing.chunks,
    "line ends and folding": framing.lines,
    "pipelines": framing.pipelines,
    "Expect": framing.expectations,
    "header bombs": heads.bombs,
    "traversal": heads.traversals,
    "request targets": heads.targets,
    "methods": heads.methods,
    "versions and protocols": heads.protocols,
    "UTF-8 and other text": contents.texts,
    "property bombs": contents.properties,
    "ranges": contents.ranges,
    "JSON": contents.documents,
    "numbers and times": contents.numbers,
    "negotiation and identity": contents.negotiation,
}
