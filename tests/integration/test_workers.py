"""A daemon of several processes: who serves, who dies, who succeeds, and what clients notice."""

import os
import re
import signal
import socket
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event
from typing import Any

from attrs import define, field
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.stores.file_tree import digits_of
from tests.integration.daemon import (
    FORMATS,
    PATIENCE,
    READY,
    TWISTD,
    call,
    eventually,
    folder,
    is_alive,
    launch,
    marked_file,
    start,
)
from tests.outbound.certificates import self_signed

MIB = 1 << 20


def worker_with(daemon, image_id):
    """The pid of the worker that has a file of this image open, or None."""
    for pid in daemon.workers():
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if digits_of(image_id) in os.readlink(link):
                    return pid
            except OSError:
                continue
    return None


def start_two(test, *options, config="", **details):
    """A daemon with two workers that is ready, and the file of its configuration."""
    file = folder(test) / "glance.toml"
    file.write_text(config)
    return start(test, "--workers", "2", "--config", file, *options, **details), file


async def begun_in_both(daemon):
    """Uploads under way, one in each worker: id, connection, and pid of the worker."""
    found: dict[int, Any] = {}
    while len(found) < 2:
        image_id, connection = await daemon.begun_upload(size=4 * MIB)
        await eventually(lambda image_id=image_id: worker_with(daemon, image_id))
        found[worker_with(daemon, image_id)] = (image_id, connection)
    return [(image_id, connection, pid) for pid, (image_id, connection) in found.items()]


def status_line(connection):
    """The first line that a server answers; blocks."""
    with connection.makefile("rb") as file:
        return file.readline().decode().strip()


@define
class Asker:
    """Somebody who asks on and on in a thread, over new connections and over one that he keeps."""

    port: int
    asked: int = 0
    wrong: list[str] = field(factory=list)
    _is_over: Event = field(factory=Event)

    def run(self):
        """Until told to stop; blocks."""
        kept = None
        while not self._is_over.is_set():
            try:
                kept = self._ask(kept or HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE))
                self._ask(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE))
            except (OSError, HTTPException) as error:
                self.wrong.append(repr(error))
                kept = None

    def stop(self):
        self._is_over.set()

    def _ask(self, connection):
        """The connection, if it is kept."""
        self.asked += 1
        connection.request("GET", "/v1/images")
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            self.wrong.append(str(response.status))
        return None if response.will_close else connection


class ServingTests(TestCase):
    """Two workers look like one daemon."""

    timeout = 240

    async def test_both_serve(self):
        """Both take connections; that they listen is told once, and the first line as always."""
        starting, _ = start_two(self)
        daemon = await starting
        self.assertEqual(len(daemon.workers()), 2)
        await eventually(lambda: self.asked_both(daemon))
        self.assertEqual(len(re.findall("listening on 127", daemon.log)), 1)
        image_id = await daemon.uploaded(marked_file(folder(self) / "image", MIB)[0])
        for _ in range(8):
            self.assertEqual(await daemon.status_of(image_id), "active")
        self.assertEqual(await daemon.stop(), 0)
        self.assertIn("database system is shut down", daemon.log)
        daemon.assert_quiet()

    async def asked_both(self, daemon):
        await daemon.ask("GET", "/healthcheck")
        return all(re.search(rf"worker {n}: 127.0.0.1 .GET", daemon.log) for n in (1, 2))

    async def test_deleted_by_the_other(self):
        """An upload ends at once when its image is deleted, whichever worker is asked (U-20)."""
        starting, _ = start_two(self)
        daemon = await starting
        for image_id, connection, _ in await begun_in_both(daemon):
            answer = await daemon.ask("DELETE", f"/v1/images/{image_id}")
            self.assertEqual(answer.status, 200)
            connection.settimeout(5)  # a lease is renewed every ten seconds
            self.assertIn(" 412 ", await deferToThread(status_line, connection))
        daemon.assert_quiet()

    async def test_sockets_of_every_kind(self):
        """Unix sockets, TLS and IPv6 are served by both, and end with the daemon alone."""
        place = folder(self)
        certificate = self_signed(place / "tls.pem")
        path = place / "s"
        listen = (
            f"unix:{path}:mode=600",
            f"ssl:0:privateKey={certificate}:interface=127.0.0.1",
            "tcp6:0:interface=\\:\\:1",
        )
        options = [each for text in listen for each in ("--listen", text)]
        daemon = launch(self, "--workers", "2", *options)
        await daemon.says(READY)
        tls, tcp6 = re.findall(r"listening on (?:127\.0\.0\.1|::1):(\d+)", daemon.log)
        urls = (
            ["--unix-socket", str(path), "http://glance/healthcheck"],
            ["--cacert", str(certificate), f"https://127.0.0.1:{tls}/healthcheck"],
            [f"http://[::1]:{tcp6}/healthcheck"],
        )
        before = daemon.workers()
        daemon.signal("HUP")
        await daemon.says("all workers have been succeeded")
        await eventually(lambda: not set(before) & set(daemon.workers()))
        for url in urls:
            for _ in range(6):
                answer = await deferToThread(call, "curl", "-sS", *url)
                self.assertEqual((answer.stdout, answer.stderr), ("OK", ""))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(await daemon.stop(), 0)
        self.assertFalse(path.exists())
        daemon.assert_quiet()

    async def test_activation_by_systemd(self):
        """A socket that was handed down is shared, across successions too."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            program = (
                "import os, sys\n"
                f"os.dup2({listening.fileno()}, 3)\n"
                "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1',"
                " LISTEN_FDNAMES='glance')\n"
                "os.execv(sys.argv[1], sys.argv[1:])\n"
            )
            daemon = launch(
                self,
                *("--workers", "2", "--allow-open", "--listen", "systemd:domain=INET:name=glance"),
                before=(sys.executable, "-c", program),
                descriptors=(listening.fileno(),),
            )
        daemon.port = port
        # Nobody serves yet, and nobody is refused: the socket is there.
        self.assertEqual((await daemon.ask("GET", "/v1/images")).status, 200)
        daemon.signal("HUP")
        await daemon.says("all workers have been succeeded")
        for _ in range(6):
            self.assertEqual((await daemon.ask("GET", "/v1/images")).status, 200)
        self.assertIn(f"listening on 127.0.0.1:{port}", daemon.log)
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()

    async def test_port_is_not_shared_with_others(self):
        """Another daemon cannot have the same port, although workers share theirs."""
        starting, _ = start_two(self)
        first = await starting
        listen = f"tcp:{first.port}:interface=127.0.0.1"
        second = launch(self, "--workers", "2", "--listen", listen)
        self.assertEqual(await second.ended(), 1)
        self.assertRegex(second.err.decode(), rf"{first.port}[^\n]*in use")


class CrashTests(TestCase):
    """kill -9."""

    timeout = 360

    async def test_worker_is_killed(self):
        """What it did is cleared up, it has a successor, and the other one has noticed nothing."""
        starting, _ = start_two(self, config="transfer_lease = 2")
        daemon = await starting
        asker = Asker(daemon.port)
        (torn, _, victim), (whole, connection, _) = await begun_in_both(daemon)
        os.kill(victim, signal.SIGKILL)
        await daemon.says("worker [12] died of signal 9")
        asking = deferToThread(asker.run)
        await deferToThread(connection.sendall, bytes(2 * MIB))
        self.assertIn(" 200 ", await deferToThread(status_line, connection))
        await eventually(lambda: len(daemon.workers()) == 2)
        await daemon.becomes(torn, "killed", patience=30)
        asker.stop()
        await asking
        # Who came while nobody accepted has waited.
        self.assertEqual(asker.wrong, [])
        self.assertEqual(await daemon.status_of(whole), "active")
        await eventually(lambda: [Path(each).name for each in daemon.files()] == [whole])
        daemon.assert_quiet()

    async def test_supervisor_is_killed(self):
        """Nobody is left, and the next daemon can start at once on the same port."""
        starting, _ = start_two(self)
        daemon = await starting
        image_id = await daemon.reserve()
        workers = daemon.workers()
        daemon.signal("KILL")
        await daemon.ended()
        await eventually(lambda: not any(map(is_alive, workers)), patience=5)
        listen = f"tcp:{daemon.port}:interface=127.0.0.1"
        again = await start(self, "--workers", "2", "--listen", listen, data=daemon.data)
        self.assertEqual(await again.status_of(image_id), "queued")

    async def test_workers_cannot_start(self):
        """When they find out what the supervisor could not, it is told and nothing is left."""
        place = folder(self)
        policy = place / "policy.yaml"
        policy.write_text("")
        starting, file = start_two(self, config=f'policy_file = "{policy}"')
        daemon = await starting
        policy.write_text("not: [valid")
        for pid in daemon.workers():
            os.kill(pid, signal.SIGKILL)
        # Each of several tries takes as long as a start.
        self.assertEqual(await daemon.ended(4 * PATIENCE), 1)
        self.assertRegex(daemon.err.decode(), r"twistd glance: gives up: [^\n]*policy[^\n]*\n\Z")
        self.assertIsNone(daemon.postgres())


class HandOverTests(TestCase):
    """SIGHUP."""

    timeout = 300

    async def test_under_load(self):
        """Nobody is refused and nothing is lost, whatever is under way."""
        starting, _ = start_two(self)
        daemon = await starting
        place = folder(self)
        file, digest = marked_file(place / "image", 16 * MIB)
        stored = await daemon.uploaded(file)
        reserved = [await daemon.reserve() for _ in range(4)]
        askers = [Asker(daemon.port) for _ in range(2)]
        asking = gatherResults([deferToThread(asker.run) for asker in askers])
        uploads = [daemon.put(each, file, "--limit-rate", "2M") for each in reserved]
        copies = [place / f"copy{number}" for number in range(4)]
        downloads = [daemon.get(stored, copy, "--limit-rate", "2M") for copy in copies]
        before = daemon.workers()
        for times in (1, 2):
            daemon.signal("HUP")
            await daemon.says("(?s)" + "all workers have been succeeded.*" * times)
        self.assertFalse(set(before) & {*daemon.workers()[-2:]})
        for transfer in (*uploads, *downloads):
            await transfer.succeeds()
        for asker in askers:
            asker.stop()
        await asking
        self.assertEqual([asker.wrong for asker in askers], [[], []])
        self.assertGreater(min(asker.asked for asker in askers), 20)
        for image_id in reserved:
            head = await daemon.ask("HEAD", f"/v1/images/{image_id}")
            self.assertEqual(head.headers["x-image-meta-checksum"], digest)
        self.assertEqual({copy.read_bytes() for copy in copies}, {file.read_bytes()})
        await eventually(lambda: len(daemon.workers()) == 2)
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()

    async def test_new_configuration(self):
        """It holds for the successors; one with a mistake is refused, and nothing changes."""
        starting, file = start_two(self, config="image_property_quota = 5")
        daemon = await starting
        before = daemon.workers()
        for mistake, sentence in (
            ("image_property_quota = 'many'", "must be a whole number"),
            ("policy_file = '/none'", "/none"),
        ):
            file.write_text(mistake)
            daemon.signal("HUP")
            await daemon.says(rf"stay as they are: [^\n]*{sentence}")
            await eventually(lambda: daemon.workers() == before)
        file.write_text("image_property_quota = 1\nlisten = 'tcp:1'")
        daemon.signal("HUP")
        await daemon.says("all workers have been succeeded")
        two = {**FORMATS, "x-image-meta-property-a": "1", "x-image-meta-property-b": "2"}
        for _ in range(6):
            answer = await daemon.ask("POST", "/v1/images", {**two, "Content-Type": ""})
            self.assertEqual(answer.status, 413)
        daemon.assert_quiet()


class StopTests(TestCase):
    """SIGTERM."""

    timeout = 240

    async def test_second_signal_hurries(self):
        """Who does not want to wait for the drain says so once more; everything is cleared up."""
        starting, _ = start_two(self, "--drain", "600")
        daemon = await starting
        begun = await begun_in_both(daemon)
        daemon.signal("TERM")
        await daemon.says("told to stop")
        self.assertEqual(len(daemon.workers()), 2)
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended(), 0)
        self.assertEqual(daemon.files(), [])
        daemon.assert_quiet()
        again = await start(self, data=daemon.data)
        for image_id, _, _ in begun:
            self.assertEqual(await again.status_of(image_id), "killed")


class MistakeTests(SynchronousTestCase):
    """What cannot be shared."""

    def test_memory(self):
        """A registry or a store in memory is refused to several workers."""
        for options in (("--registry", "memory:"), ("--store", "memory:")):
            place = folder(self)
            command = (TWISTD, "-n", "--pidfile=", "glance", "--workers=2", *options)
            result = call(*command, cwd=place)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertRegex(
                result.stderr,
                r"\Atwistd glance: --workers 2 cannot share the [^\n]*memory[^\n]*\n\Z",
            )
            self.assertEqual(list(place.iterdir()), [])
