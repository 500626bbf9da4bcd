"""More messages, made from those of the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from tests.hostile.message import IMAGE, QUEUED, SMUGGLED, UPLOAD, Message, chunked, head

#: Longer ones are too slow to be sent by the thousand.
MATERIAL = 4096

#: What has a meaning to some parser.
TOKENS = (
    b"\x00 \r \n \t \x0b \x0c \x7f \x80 \xff \xc0\xaf \xed\xa0\x80 : ; , = / \\ ? # % %00 %0d%0a "
    b"%2e%2e%2f .. + - 0 9 0x \" ' < > { } [ ] ( ) * & @ | chunked close 100-continue bytes= "
    b"HTTP/1.1 Content-Length:5 Transfer-Encoding:chunked Host:x"
).split(b" ") + [b" ", b"\r\n", b"\r\n\r\n", b"\r\n ", b"\n\n", b"A" * 300, SMUGGLED]

#: Where a message has joints.
_JOINTS = re.compile(rb"\r\n|[:;,=?&%/ ]|(?<=\d)(?=\D)|$")


def mutants(messages: Sequence[Message], number: int, random: Random) -> Iterator[Message]:
    """So many, each with one or two edits at its joints; some of them trickle."""
    material = [each for each in messages if each.more is None and len(each.data) <= MATERIAL]
    for _ in range(number):
        message = random.choice(material)
        data = message.data
        for _ in range(random.choice((1, 1, 2))):
            data = _edited(data, random)
        if len(data) < 200 and random.random() < 0.05:
            yield Message(data, trickles=True, step=random.choice((1, 7, 50)))
        else:
            yield evolve(message, data=data)


def _edited(data: bytes, random: Random) -> bytes:
    at = random.choice([match.start() for match in _JOINTS.finditer(data)])
    edit = random.randrange(6)
    if edit == 0:
        return data[:at] + data[at + random.randrange(1, 4) :]
    if edit == 1:
        return data[:at] + random.choice(TOKENS) + data[at + 1 :]
    if edit == 2:
        lines = data.split(b"\r\n")
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        return b"\r\n".join(lines)
    if edit == 3:
        lines = data.split(b"\r\n")
        lines.insert(random.randrange(len(lines)), random.choice(lines))
        return b"\r\n".join(lines)
    return data[:at] + random.choice(TOKENS) + data[at:]


def crossings() -> Any:
    """
    A strategy: a few requests of one connection, each with a method, a target, fields and a
    framing from anywhere.
    """
    tokens = st.sampled_from(TOKENS)
    loose = st.lists(tokens | st.binary(max_size=3), max_size=3).map(b"".join)
    methods = st.sampled_from((b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS")) | loose
    places = st.sampled_from((b"", b"/detail", f"/{IMAGE}".encode(), f"/{QUEUED}/members".encode()))
    targets = st.builds(lambda place, rest: b"/v1/images" + place + rest, places, loose) | loose
    names = st.sampled_from(
        b"Content-Length Transfer-Encoding Connection Expect Range Host Accept Content-Type "
        b"x-image-meta-name x-image-meta-size x-image-meta-property-p x-image-meta-id".split()
    )
    values = st.sampled_from((b"5", b"0", b"chunked", b"close", b"100-continue", b"bytes=0-1"))
    fields = st.builds(lambda name, value: name + b": " + value, names, values | loose) | loose
    bodies = st.sampled_from((b"", b"hello", chunked(b"hello"), SMUGGLED)) | loose
    request = st.builds(
        lambda method, target, some, upload, body: (
            head(b"%b %b" % (method, target), *some, *(UPLOAD if upload else ())) + body
        ),
        methods,
        targets,
        st.lists(fields, max_size=4),
        st.booleans(),
        bodies,
    )
    return st.lists(request, min_size=1, max_size=3).map(lambda some: Message(b"".join(some)))
