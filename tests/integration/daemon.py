"""
A real ``twistd glance`` for tests: started, watched, and gone when its test is over.

The reactor of the tests never blocks: the daemon and curl are its children, and whoever has to
block does so in a thread.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sysconfig
import tempfile
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

#: What is installed provides more interfaces than its type tells.
reactor: Any = the_reactor

#: How many workers daemons have whose registry is not in memory.
WORKERS = os.environ.get("GLANCE_WORKERS", "1")

TWISTD = str(Path(sysconfig.get_path("scripts"), "twistd"))

#: Seconds that a busy machine may take for what normally takes one or two.
PATIENCE = 60

#: Headers of an upload.
FORMATS = {
    "Content-Type": "application/octet-stream",
    "x-image-meta-disk_format": "raw",
    "x-image-meta-container_format": "bare",
}


class Ended(Exception):
    """A process ended before it said what was waited for; the text is all that it said."""


class Process(ProcessProtocol):
    """A child, and what it says; its ``status`` is known once it has ended."""

    transport: Any
    status: Any = None
    pid = None

    def __init__(self):
        self.out = self.err = b""
        self._expected = []
        self._ended = []

    @property
    def log(self):
        """All that it wrote, as text."""
        return (self.out + self.err).decode("utf-8", "replace")

    @property
    def is_running(self):
        return self.status is None

    def connectionMade(self):
        self.pid = self.transport.pid

    def outReceived(self, data):
        self.out += data
        self._look()

    def errReceived(self, data):
        self.err += data
        self._look()

    def processEnded(self, reason):
        code, signal = reason.value.exitCode, reason.value.signal
        self.status = code if signal is None else -signal
        self._look()
        ended, self._ended = self._ended, []
        for done in ended:
            done.callback(self.status)
        expected, self._expected = self._expected, []
        for _, done in expected:
            done.errback(Ended(self.log))

    def says(self, pattern, patience=PATIENCE):
        """Fires with the match when it has written this; fails when it ends without."""
        done: Deferred[re.Match[str]] = Deferred()
        self._expected.append((re.compile(pattern), done))
        self._look()
        if not self.is_running and not done.called:
            done.errback(Ended(self.log))
        return done.addTimeout(patience, reactor)

    def ended(self, patience=PATIENCE):
        """Fires when it has ended, with its exit status, or with a signal's number below zero."""
        done: Deferred[int] = Deferred()
        if self.is_running:
            self._ended.append(done)
        else:
            done.callback(self.status)
        return done.addTimeout(patience, reactor)

    def signal(self, name):
        """Send a signal, unless it has ended."""
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            pass

    async def succeeds(self, patience=180):
        """What it wrote to standard output when it has ended; fails unless its status is 0."""
        status = await self.ended(patience)
        if status != 0:
            raise Ended(f"status {status}: {self.log}")
        return self.out

    async def stop(self):
        """End it in order; its exit status."""
        self.signal("TERM")
        return await self.ended()

    def _look(self):
        for pattern, done in list(self._expected):
            if match := pattern.search(self.log):
                self._expected.remove((pattern, done))
                done.callback(match)


#: What a daemon logs when it serves; PostgreSQL is "ready" before that.
READY = r"glancetx \S+ is ready"


class Daemon(Process):
    """A daemon in the foreground. Its ``port`` is known once it is ready."""

    def __init__(self, test, data):
        super().__init__()
        self.data = data
        self.port = 0
        self._test = test

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def ready(self):
        """Waits until it serves."""
        await self.says(READY)
        self.port = int((await self.says(r"listening on 127\.0\.0\.1:(\d+)"))[1])

    def ask(self, method, path, headers=(), body=None):
        """Fires with the `Answer` to one request, made in a thread."""
        return deferToThread(ask, self.port, method, path, headers, body)

    def curl(self, *arguments, path="/v1/images"):
        """Start curl on a path of this daemon; a `Process`."""
        program = shutil.which("curl") or "curl"
        return run(self._test, program, "-sSf", *arguments, self.url + path)

    def put(self, image_id, file, *arguments):
        """Start to upload a file to a reserved image; a `Process`."""
        headers = [f"-H{name}: {value}" for name, value in FORMATS.items()]
        return self.curl("-T", file, *headers, *arguments, path=f"/v1/images/{image_id}")

    def get(self, image_id, file, *arguments):
        """Start to download an image into a file; a `Process`."""
        return self.curl("-o", file, *arguments, path=f"/v1/images/{image_id}")

    async def uploaded(self, file):
        """The id of a new image with the bytes of this file."""
        image_id = await self.reserve()
        await self.put(image_id, file).succeeds()
        return image_id

    async def begun_upload(self, *, size=32 << 20):
        """The id of an image half of which has come, and the connection that brought it."""
        image_id = await self.reserve()
        connection = await deferToThread(begin_upload, self, image_id, size=size, sent=size // 2)
        self._test.addCleanup(connection.close)
        await self.becomes(image_id, "saving")
        return image_id, connection

    async def reserve(self, **headers):
        """The id of a new image that waits for its bytes."""
        answer = await self.ask("POST", "/v1/images", {**FORMATS, **headers, "Content-Type": ""})
        return answer.json["image"]["id"]

    async def status_of(self, image_id):
        """The status of an image."""
        return (await self.ask("HEAD", f"/v1/images/{image_id}")).headers["x-image-meta-status"]

    async def becomes(self, image_id, status, patience=PATIENCE):
        """Waits until an image has this status; fails when it takes too long."""
        await eventually(lambda: self._has(image_id, status), patience)

    async def _has(self, image_id, status):
        return await self.status_of(image_id) == status

    def assert_quiet(self):
        """Fails when the log shows what no log should: a traceback, or an error nobody handled."""
        lines = self.log.splitlines()
        for number, line in enumerate(lines):
            if "Traceback" in line or "Unhandled" in line:
                raise AssertionError("\n".join(lines[max(0, number - 3) : number + 60]))

    def files(self):
        """Every file below ``images/``, as path below it, but what a store at its start tries."""
        images = self.data / "images"
        files = [path.relative_to(images) for path in images.rglob("*") if path.is_file()]
        return sorted(str(file) for file in files if not file.name.startswith("probe."))

    def postgres(self):
        """The pid of the embedded PostgreSQL, or None when it is gone."""
        return postgres_of(self.data)

    def workers(self):
        """The pids of its workers, those included that start or retire."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = parent_of(path.name) == self.pid and is_alive(path.name)
                if is_ours and b"glancetx.workers" in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
            except OSError:
                continue
        return sorted(found)

    def memory(self):
        """
        The most memory that it has had since it was started or `forget_memory`, in bytes.

        If it has workers, that of the one with the most.
        """
        pids = self.workers() or [self.pid]
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        return max(int(found(r"VmHWM:\s+(\d+) kB", status)) for status in statuses) * 1024

    def forget_memory(self):
        """From now on `memory` tells the most since now."""
        for pid in self.workers() or [self.pid]:
            Path(f"/proc/{pid}/clear_refs").write_text("5")


@frozen
class Answer:
    """What a server answered; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        import json

        return json.loads(self.body)


def ask(port, method, path, headers=(), body=None):
    """The answer to one request on a connection of its own; blocks."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {k: v for k, v in dict(headers).items() if v})
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())
    finally:
        connection.close()


def folder(test):
    """
    A new directory that goes when the test is over; short enough for sockets.

    First whatever PostgreSQL runs in a directory right below it must have gone.
    """
    path = Path(tempfile.mkdtemp(prefix="twistd-glance-"))

    async def remove():
        await eventually(lambda: not any(map(postgres_of, path.iterdir())))
        # What was the last to end may still have been removing files of its own.
        await eventually(lambda: deferToThread(_removed, path))

    test.addCleanup(lambda: ensureDeferred(remove()))
    return path


def _removed(path):
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def run(test, *command, process=None, cwd=None, environment=(), descriptors=()):
    """A process that is killed when the test is over; it inherits the ``descriptors``."""
    process = Process() if process is None else process
    env = {**os.environ, **dict(environment)}
    inherited = {0: "w", 1: "r", 2: "r", **{each: each for each in descriptors}}
    arguments = [str(part) for part in command]
    reactor.spawnProcess(process, command[0], arguments, env, cwd, childFDs=inherited)

    async def kill():
        process.signal("KILL")
        await process.ended()

    test.addCleanup(lambda: ensureDeferred(kill()))
    return process


def launch(
    test,
    *options,
    data=None,
    defaults=True,
    twistd=(),
    before=(),
    cwd=None,
    environment=(),
    descriptors=(),
):
    """
    A `Daemon` that has just been started, by ``defaults`` with a directory and a port of its own.

    ``options`` follow ``glance``, ``twistd`` precede it, ``before`` is a command that runs it.
    It has gone with its PostgreSQL when the test is over.
    """
    place = folder(test)
    daemon = Daemon(test, place / "data" if data is None else data)
    if defaults:
        options = ("--data", daemon.data, *options)
        if "--workers" not in options:
            options += ("--workers", "1" if is_private(options) else WORKERS)
        if "--listen" not in options:
            options += ("--listen", "tcp:0:interface=127.0.0.1")
    command = [*before, TWISTD, "-n", "--pidfile=", *twistd, "glance", *options]
    command[0] = shutil.which(command[0]) or command[0]
    details = {"cwd": cwd or place, "environment": environment, "descriptors": descriptors}
    run(test, *command, process=daemon, **details)
    return daemon


def is_private(options):
    """Whether a daemon with these options keeps something in memory, which nobody can share."""
    files = [Path(text) for option, text in pairwise(options) if option == "--config"]
    texts = [*map(str, options), *(file.read_text() for file in files if file.exists())]
    return any("memory:" in text or 'kind = "memory"' in text for text in texts)


async def start(test, *options, **details):
    """A `Daemon` that is ready; as `launch`."""
    daemon = launch(test, *options, **details)
    await daemon.ready()
    return daemon


def postgres_of(data):
    """The pid of the PostgreSQL whose directory is in this data directory, while it runs."""
    try:
        pid = int((data / "registry" / "postmaster.pid").read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, IndexError, ValueError):
        return None
    return pid if b"postgres" in command else None


async def eventually(condition, patience=PATIENCE):
    """Waits until the condition, which may be awaitable, is true; fails when it takes too long."""
    deadline = reactor.seconds() + patience
    while True:
        result = condition()
        if hasattr(result, "__await__"):
            result = await result
        if result:
            return
        if reactor.seconds() > deadline:
            raise AssertionError("what was waited for did not happen")
        await deferLater(reactor, 0.1)


def marked_file(path, size):
    """
    A file of this many bytes that takes hardly any disk; no two MiB of it are alike.

    Returns the path and its MD5.
    """
    with path.open("wb+") as file:
        for number, offset in enumerate(range(0, size, 1 << 20)):
            file.seek(offset)
            file.write(b"%08d" % number)
        file.truncate(size)
        file.seek(0)
        return path, hashlib.file_digest(file, "md5").hexdigest()


def begin_upload(daemon, image_id, *, size, sent):
    """A connection with a PUT of an image of which only ``sent`` bytes have come; blocks."""
    connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)
    fields = {**FORMATS, "Host": "127.0.0.1", "Content-Length": size}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    connection.sendall(f"PUT /v1/images/{image_id} HTTP/1.1\r\n{head}\r\n".encode())
    for _ in range(0, sent, 1 << 20):
        connection.sendall(bytes(1 << 20))
    return connection


def found(pattern, text):
    """The first group of a pattern that must be in the text."""
    match = re.search(pattern, text)
    if match is None:
        raise AssertionError(f"{pattern} is not in {text}")
    return match[1]


def parent_of(pid):
    """The parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_alive(pid):
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_port():
    """A port that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def call(*command, **details):
    """A short command's result; blocks, so only where no daemon has to be answered."""
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **details)
