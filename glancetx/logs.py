"""Events as lines of the log, as text or as JSON; each tells which request it is about."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
)
from twisted.python.logfile import LogFile

from glancetx.config import ConfigError
from glancetx.log_context import request_id

KINDS = ("text", "json")

#: What a record holds besides, where an event has it: nothing that could hold a secret.
FIELDS = (
    "request_id",
    "worker",
    "client",
    "method",
    "path",
    "status",
    "sent",
    "received",
    "seconds",
    "user",
    "project",
    "is_whole",
    "traceback",
)

Line = Callable[[LogEvent], str | None]


def lines(kind: str, worker: int | None = None) -> Line:
    """How an event of this process, or of a worker, is written, as ``text`` or ``json``."""

    def json_line(event: LogEvent) -> str:
        record = record_of(event)
        if worker is not None:
            record["worker"] = worker
        return json.dumps(record) + "\n"

    def text_line(event: LogEvent) -> str | None:
        text = formatEventAsClassicLogText(event, formatTime=_second_of)
        about = request_of(event)
        if text and about is not None:
            text = text.replace("] ", f" {_printable(about)}] ", 1)
        if text and worker is not None:
            text = text.replace("] ", f"] worker {worker}: ", 1)
        return text

    return json_line if kind == "json" else text_line


def _second_of(when: float | None) -> str:
    """The time of a line, in the form that Twisted gives it: local, with its offset from UTC."""
    return formatTime(when) if when is None else _formatted(int(when))


@lru_cache(maxsize=4)
def _formatted(second: int) -> str:
    # Put together once a second: it would be more than half of the cost of each line.
    return formatTime(float(second))


def record_of(event: LogEvent) -> dict[str, Any]:
    """
    An event as what JSON knows.

    ``time`` is in UTC (RFC 3339), ``level`` one of Twisted's, ``seconds`` are seconds, ``sent`` and
    ``received`` bytes.
    """
    level: Any = event.get("log_level") or LogLevel.info
    when = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    record: dict[str, Any] = {
        "time": when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": level.name,
        "namespace": str(event.get("log_namespace") or "-").replace("log_legacy", "-"),
        "message": event.get("worker_message") or formatEvent(event),
    }
    found: Mapping[str, Any] = {
        **event,
        "request_id": request_of(event),
        "traceback": _traceback_of(event),
    }
    record.update({name: _plain(found[name]) for name in FIELDS if found.get(name) is not None})
    return record


def _plain(value: Any) -> Any:
    """A value as it is if JSON knows it, and else its text: plugins log what they like."""
    return value if isinstance(value, str | int | float) else str(value)


def request_of(event: LogEvent) -> str | None:
    """The id of the request that an event is about, if it is known; asked when it happens."""
    about: str | None = event.get("request_id") or request_id.get()
    return about


def observer_of(reactor: Any, kind: str, twistd: Mapping[str, Any] | None) -> ILogObserver | None:
    """
    What writes the log to where ``twistd`` would by its options, or None to leave that to it.

    :raises ConfigError: when it is no kind, or something else decides on the form.
    """
    if kind not in KINDS:
        raise ConfigError(f"--log-format must be text or json, not {kind!r}")
    if twistd is None or twistd["syslog"] or twistd["logger"]:
        if kind == "json":
            raise ConfigError("--log-format json cannot be had with --syslog or --logger")
        return None
    return FileLogObserver(_file_of(reactor, twistd), lines(kind))


def _file_of(reactor: Any, twistd: Mapping[str, Any]) -> TextIO:
    name = twistd["logfile"]
    if name == "-" and not twistd["nodaemon"]:
        raise ConfigError("a daemon in the background cannot log to standard output")
    if name == "-" or (twistd["nodaemon"] and not name):
        return sys.stdout
    file: Any = LogFile.fromFullPath(name or "twistd.log")
    # As twistd does, unless somebody else has a use for the signal.
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))
    found: TextIO = file
    return found


def _traceback_of(event: LogEvent) -> str | None:
    failure = event.get("log_failure")
    traceback: str | None = event.get("traceback") if failure is None else failure.getTraceback()
    return traceback


def _printable(text: str) -> str:
    """Text of a client that cannot be taken for anything else in a line."""
    if text.isprintable() and " " not in text and "]" not in text:
        return text
    return "".join(c if c.isprintable() and c not in " ]" else "?" for c in text)
