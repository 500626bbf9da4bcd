"""How ``twistd glance`` is started: options, mistakes, places and users."""

import os
import re
import signal
import socket
import stat
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx import __version__
from tests.integration.daemon import (
    READY,
    TWISTD,
    call,
    eventually,
    folder,
    free_port,
    is_alive,
    launch,
    parent_of,
    postgres_of,
    start,
)

NOBODY = 65534

FORMAT = "x-image-meta-disk_format"


class HelpTests(SynchronousTestCase):
    """What is told without starting anything."""

    def test_help_tells_every_default(self):
        """Each option that takes part in the configuration is explained with its default."""
        result = call(TWISTD, "glance", "--help")
        self.assertEqual(result.returncode, 0)
        text = " ".join(result.stdout.split())
        self.assertNotIn("  ", text)
        for option, default in {
            "--auth=": "none:",
            "--allow-open": "refuse to start",
            "--config=": "none",
            "--data=": "./glance-data",
            "--drain=": "60",
            "--metrics=": "none",
            "--log-format=": "text",
            "--workers=": "the number of cores; 1 if anything is kept in memory",
            "--listen=": "tcp:9292:interface=127.0.0.1",
            "--registry=": "embedded:",
            "--store=": "file:DATA/images and http:",
        }.items():
            explanation = text.partition(f" {option} ")[2].partition(" --")[0]
            self.assertIn(f"[default: {default}]", explanation, option)

    def test_help_has_no_holes(self):
        """No line of the help has spaces left over from the sources."""
        result = call(TWISTD, "glance", "--help")
        lines = [line for line in result.stdout.splitlines() if line[:1] == " "]
        explanations = [re.sub(r"^ +(-\w, )?(--[\w-]+=?)? *", "", line) for line in lines]
        self.assertGreater(len(explanations), 20)
        self.assertEqual([each for each in explanations if "  " in each], [])

    def test_version(self):
        """--version tells the version and nothing else."""
        result = call(TWISTD, "glance", "--version")
        self.assertEqual((result.returncode, result.stdout), (0, f"glancetx {__version__}\n"))

    def test_help_stores(self):
        """--help-stores lists the installed kinds of store, and what each can be told."""
        result = call(TWISTD, "glance", "--help-stores")
        self.assertEqual(result.returncode, 0)
        about = {each.partition(" - ")[0]: each for each in result.stdout.split("\n\n")}
        self.assertLessEqual({"file", "http", "memory"}, about.keys())
        self.assertEqual(
            about["file"],
            "file - keeps images as files below a directory\n"
            "    file:DIRECTORY[:OPTION=VALUE...]\n"
            "        directory  where they are; made if it is missing [required]\n"
            "        threads    how many files are read and written at the same time [default: 8]\n"
            "        sendfile   whether the kernel may send files by itself: on or off "
            "[default: on]",
        )

    def test_plugins_are_light(self):
        """Listing twistd's commands imports neither Klein nor a reactor."""
        program = (
            "import sys\n"
            "from twisted.scripts.twistd import ServerOptions\n"
            "try: ServerOptions().parseOptions(['--help'])\n"
            "except SystemExit: pass\n"
            "print([m for m in ('klein', 'twisted.internet.reactor') if m in sys.modules])\n"
        )
        result = call(sys.executable, "-c", program, cwd=folder(self))
        self.assertIn("A streaming image server", result.stdout)
        self.assertEqual(result.stdout.splitlines()[-1], "[]")


class MistakeTests(SynchronousTestCase):
    """A mistake in the configuration costs one sentence and leaves nothing behind."""

    def refused(self, *options, toml=None):
        """The sentence on standard error."""
        place = folder(self)
        if toml is not None:
            (place / "glance.toml").write_bytes(toml.encode("utf-8", "surrogateescape"))
            options = ("--config", "glance.toml", *options)
        before = sorted(place.rglob("*"))
        result = call(TWISTD, "-n", "--pidfile=", "glance", *options, cwd=place)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Atwistd glance: [^\n]+\n\Z")
        self.assertEqual(sorted(place.rglob("*")), before, "something was created")
        return result.stderr

    def test_unknown_option(self):
        """An option that does not exist is named."""
        self.assertIn("--stroe", self.refused("--stroe", "file:x"))

    def test_argument_too_many(self):
        """A word without an option is refused."""
        self.assertIn("see twistd glance --help", self.refused("images"))

    def test_missing_value(self):
        """An option without its value is named."""
        self.assertIn("--data", self.refused("--data"))

    def test_unknown_kind_of_store(self):
        """A kind that is not installed is named, with those that are."""
        sentence = self.refused("--store", "tape:reel")
        self.assertIn("'tape'", sentence)
        self.assertIn("file, http, memory", sentence)

    def test_no_description_of_store(self):
        """What is no description is refused, and a right one shown."""
        for text in "", "fast=", ":x", "file:x\\":
            self.assertIn(f"the store {text!r} ", self.refused("--store", text))

    def test_bad_arguments_of_store(self):
        """A store's option that makes no sense is refused, and the right form shown."""
        for arguments, what in (
            ("images:threads=many", "threads must be a number from 1 on, not 'many'"),
            (
                "images:colour=red",
                "'colour' is not an option (there are: directory, threads, sendfile)",
            ),
            ("images:more", "'more' is one argument too many"),
            ("images:directory=here", "directory is given twice"),
            ("", "directory is missing"),
        ):
            self.assertEqual(
                self.refused("--store", f"fast=file:{arguments}"),
                f"twistd glance: the store 'fast' cannot be made: {what} "
                "(write file:DIRECTORY[:OPTION=VALUE...]; --help-stores tells more)\n",
            )

    def test_two_stores_of_one_name(self):
        """Two stores need two names."""
        sentence = self.refused("--store", "file:one", "--store", "a=file:2", "--store", "file:3")
        self.assertIn("two stores have the same name 'file': give one another", sentence)
        tables = '[[store]]\nkind = "memory"\n[[store]]\nname = "memory"\nkind = "http"\n'
        self.assertIn("two stores have the same name 'memory'", self.refused(toml=tables))

    def test_bad_endpoints(self):
        """What is no endpoint is refused, whatever is wrong with it."""
        for endpoint in (
            "carrier-pigeon:9292",
            "tcp:",
            "tcp:many",
            "tcp:9292:colour=red",
            "\\",
            "systemd:domain=INET:index=0",
        ):
            sentence = self.refused("--listen", endpoint)
            self.assertIn(f"--listen {endpoint!r}", sentence)
            self.assertNotIn("--allow-open", sentence)

    def test_missing_certificate(self):
        """A certificate that does not exist is found missing before anything is opened."""
        endpoint = "ssl:9292:privateKey=no.pem:interface=127.0.0.1"
        self.assertIn("--listen", self.refused("--listen", endpoint))

    def test_open_to_everybody(self):
        """Addresses of other machines need --allow-open while nobody authenticates."""
        for endpoint in (
            "tcp:9292",
            "tcp:9292:interface=0.0.0.0",
            "tcp6:9292:interface=\\:\\:",
        ):
            self.assertIn("--allow-open", self.refused("--listen", endpoint))

    def test_bad_registry(self):
        """A registry of no known kind, and an address that cannot be read, are refused."""
        for registry in ("mysql://root@db/glance", "memory:x", "postgres:colour=red"):
            self.assertIn("--registry", self.refused("--registry", registry))

    def test_password_is_not_repeated(self):
        """A sentence about a bad address does not show the password in it."""
        sentence = self.refused("--registry", "postgresql://me:sesame@host:notaport/glance")
        self.assertNotIn("sesame", sentence)

    def test_unknown_auth(self):
        """An unknown way to authenticate is refused: it must never mean none."""
        self.assertIn("--auth no kind 'fido'", self.refused("--auth", "fido:v2"))
        self.assertIn("--auth", self.refused("--auth", ":"))

    def test_bad_auth(self):
        """Arguments that make no sense are refused, and so is a file of tokens that is none."""
        for auth in ("trusted:", "trusted:everybody", "tokens:", "none:x:y"):
            self.assertIn("--auth", self.refused("--auth", auth))
        self.assertIn("No such file", self.refused("--auth", "tokens:none.toml"))

    def test_bad_drain(self):
        """The drain is a number of seconds that ends."""
        for drain in ("soon", "-1", "inf", "nan"):
            self.assertIn("--drain", self.refused("--drain", drain))

    def test_metrics(self):
        """An endpoint that is none is refused."""
        self.assertIn("--metrics 'nonsense:1' is not", self.refused("--metrics", "nonsense:1"))

    def test_log_format(self):
        """Another format is refused."""
        self.assertIn("must be text or json", self.refused("--log-format", "xml"))

    def test_missing_file(self):
        """A configuration file that is not there is named."""
        self.assertIn("none.toml", self.refused("--config", "none.toml"))

    def test_not_toml(self):
        """A file that is no TOML, or not even text, is named."""
        self.assertIn("glance.toml", self.refused(toml="data = "))
        self.assertIn("glance.toml", self.refused(toml="name = '\udcff'"))

    def test_unknown_key(self):
        """A key that is no option is named."""
        self.assertIn("'image_size_cup'", self.refused(toml="image_size_cup = 5"))

    def test_wrong_types(self):
        """A value of the wrong kind is named with what it must be."""
        self.assertIn("'drain' must be", self.refused(toml="drain = -1"))
        self.assertIn("'listen' must be", self.refused(toml="listen = [9292]"))

    def test_bad_store_tables(self):
        """A store's table needs a kind, and options and values that this kind has."""
        self.assertIn("kind", self.refused(toml='[[store]]\ndirectory = "x"'))
        self.assertIn("table", self.refused(toml="store = [5]"))
        self.assertIn("file:DIRECTORY", self.refused(toml='[[store]]\nkind = "file"\ncolour = 1'))
        self.assertIn("name", self.refused(toml='[[store]]\nkind = "file"\nname = 5'))
        self.assertEqual(
            self.refused(toml='[[store]]\nname = "a"\nkind = "file"\ndirectory = ["a,b"]'),
            "twistd glance: the [[store]] 'a' cannot have 'directory': "
            "commas part the values of a list, and cannot be in one\n",
        )

    def test_unusable_data_directory(self):
        """A data directory that cannot be made is named with the reason."""
        self.assertIn("/proc/nothing/here", self.refused("--data", "/proc/nothing/here"))
        self.assertIn("glance.toml", self.refused("--data", "glance.toml/x", toml=""))


class PlaceTests(TestCase):
    """Where a daemon listens and where its data lives."""

    timeout = 120

    async def test_first_line(self):
        """The first line printed says where it listens and where the data lives."""
        port = free_port()
        listen = f"tcp:{port}:interface=127.0.0.1"
        daemon = await start(self, "--registry", "memory:", "--listen", listen)
        first, second = daemon.log.splitlines()[:2]
        self.assertIn(f"http://127.0.0.1:{port} ", first)
        self.assertTrue(first.endswith(str(daemon.data)), first)
        self.assertIn("lost", second)

    async def test_data_directory_is_private(self):
        """The data directory is made for its owner alone, whatever the umask is."""
        daemon = await start(self, "--registry", "memory:", twistd=("--umask=0",))
        self.assertEqual(stat.S_IMODE(daemon.data.stat().st_mode), 0o700)

    async def test_defaults(self):
        """Without --data everything lies in ./glance-data of where it was started."""
        place = folder(self)
        listen = ("--listen", "tcp:0:interface=127.0.0.1")
        data = place / "glance-data"
        daemon = await start(self, *listen, data=data, defaults=False, cwd=place)
        self.assertTrue((place / "glance-data" / "registry").is_dir())
        self.assertIsNotNone(daemon.postgres())

    async def test_second_daemon(self):
        """A second daemon on the same data is told so in one sentence; the first one goes on."""
        first = await start(self)
        second = launch(self, data=first.data)
        self.assertEqual(await second.ended(), 1)
        self.assertRegex(second.err.decode(), r"\Atwistd glance: another daemon [^\n]*\n\Z")
        self.assertEqual(second.out, b"")
        self.assertEqual((await first.ask("GET", "/v1/images")).status, 200)

    async def test_port_in_use(self):
        """A port that others use ends it with status 1, a clear sentence and no PostgreSQL left."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            daemon = launch(self, "--listen", f"tcp:{port}:interface=127.0.0.1")
            self.assertEqual(await daemon.ended(), 1)
        self.assertRegex(
            daemon.err.decode(), rf"\Atwistd glance: [^\n]*{port}[^\n]*in use[^\n]*\n\Z"
        )
        daemon.assert_quiet()
        self.assertIn("database system is shut down", daemon.log)
        self.assertIsNone(daemon.postgres())

    async def test_unreachable_registry(self):
        """A PostgreSQL that is not there ends it with status 1 and a clear sentence."""
        daemon = launch(self, "--registry", f"postgresql://x@127.0.0.1:{free_port()}/glance")
        self.assertEqual(await daemon.ended(), 1)
        self.assertRegex(daemon.err.decode(), r"\Atwistd glance: cannot start: [^\n]*registry")
        daemon.assert_quiet()

    async def test_unix_socket(self):
        """It also serves a socket in the file system, and says so."""
        path = folder(self) / "glance.sock"
        daemon = launch(self, "--registry", "memory:", "--listen", f"unix:{path}")
        await daemon.says(READY)
        self.assertIn(f"listening on {path}", daemon.log)
        answer = await deferToThread(
            call, "curl", "-sS", "--unix-socket", str(path), "http://glance/healthcheck"
        )
        self.assertEqual((answer.stdout, answer.stderr), ("OK", ""))

    async def test_other_reactor(self):
        """twistd's choice of a reactor is respected."""
        daemon = await start(self, "--registry", "memory:", twistd=("--reactor=poll",))
        self.assertIn("PollReactor", daemon.log)
        self.assertEqual((await daemon.ask("GET", "/v1/images")).status, 200)
        self.assertEqual(await daemon.stop(), 0)


class FileTests(TestCase):
    """The configuration file."""

    timeout = 120

    async def test_every_option(self):
        """A file may have every option, and all of them take effect."""
        place = folder(self)
        port = free_port()
        (place / "glance.toml").write_text(
            f"""
            data = "{place}/data"
            listen = ["tcp:{port}:interface=127.0.0.1", "tcp:0:interface=127.0.0.1"]
            registry = "memory:"
            auth = "none:"
            allow_open = false
            drain = 1.5
            client_socket_timeout = 30
            transfer_lease = 5
            public_endpoint = "https://images.example"
            enable_v1_api = true
            image_size_cap = 10
            image_property_quota = 1
            image_member_quota = 0
            disk_formats = ["raw"]
            container_formats = ["bare"]
            limit_param_default = 2
            api_limit_max = 3

            [[store]]
            name = "main"
            kind = "file"
            directory = "{place}/kept: here"
            threads = 2

            [[store]]
            kind = "http"
            allow = ["10.0.0.0/8", "images.example"]
            idle = 5

            [[store]]
            kind = "memory"
            """
        )
        daemon = launch(
            self, "--config", place / "glance.toml", data=place / "data", defaults=False
        )
        await daemon.says(READY)
        daemon.port = port
        self.assertIn(f"http://127.0.0.1:{port}, ", daemon.log)
        versions = await daemon.ask("GET", "/")
        self.assertIn(b"https://images.example/v1/", versions.body)
        kept = await self.post(daemon, body=b"0123456789")
        self.assertEqual(kept.status, 201)
        self.assertEqual(len(list(place.rglob("kept: here/*/*/*"))), 1)
        self.assertEqual((await self.post(daemon, body=b"0123456789a")).status, 400)
        two = {"x-image-meta-property-a": "1", "x-image-meta-property-b": "2"}
        self.assertEqual((await self.post(daemon, **two)).status, 413)
        members = f"/v1/images/{kept.json['image']['id']}/members"
        self.assertEqual((await daemon.ask("PUT", f"{members}/acme")).status, 413)
        self.assertEqual((await self.post(daemon, **{FORMAT: "qcow2"})).status, 400)
        for _ in range(3):
            self.assertEqual((await self.post(daemon)).status, 201)
        for query, length in {"": 2, "?limit=9": 3}.items():
            listed = await daemon.ask("GET", f"/v1/images{query}")
            self.assertEqual(len(listed.json["images"]), length)
        stored = await self.post(daemon, body=b"x", **{"x-image-meta-store": "memory"})
        self.assertEqual(stored.status, 201)

    async def post(self, daemon, body=None, **headers):
        """The answer to a POST of an image."""
        basic = {
            FORMAT: "raw",
            "x-image-meta-container_format": "bare",
            "x-image-meta-is_public": "true",
        }
        if body is not None:
            basic["Content-Type"] = "application/octet-stream"
        return await daemon.ask("POST", "/v1/images", {**basic, **headers}, body)

    async def test_command_line_wins(self):
        """What stands on the command line counts, and the rest of the file still does."""
        place = folder(self)
        (place / "glance.toml").write_text(
            'data = "elsewhere"\nregistry = "mysql:"\napi_limit_max = 1\n'
            'listen = "tcp:80"\n[[store]]\nkind = "tape"\n'
        )
        daemon = await start(
            self, "--config", place / "glance.toml", "--registry", "memory:", "--store", "memory:"
        )
        self.assertFalse((place / "elsewhere").exists())
        for _ in range(2):
            await self.post(daemon)
        listed = await daemon.ask("GET", "/v1/images?limit=5")
        self.assertEqual(len(listed.json["images"]), 1)

    async def test_v1_can_be_switched_off(self):
        """Without v1 its routes are not there."""
        place = folder(self)
        (place / "glance.toml").write_text("enable_v1_api = false")
        daemon = await start(
            self, "--config", place / "glance.toml", "--registry", "memory:", cwd=place
        )
        self.assertNotEqual((await daemon.ask("GET", "/v1/images")).status, 200)


class BackgroundTests(TestCase):
    """``twistd`` without ``-n`` forks."""

    timeout = 120

    async def test_life_in_the_background(self):
        """PostgreSQL is the child of the daemon that was forked, and ends with it on SIGTERM."""
        place = folder(self)
        (place / "run").mkdir()
        port = free_port()
        result = await deferToThread(
            call,
            TWISTD,
            f"--pidfile={place}/twistd.pid",
            f"--logfile={place}/twistd.log",
            f"--rundir={place}/run",
            "glance",
            "--data=data",
            f"--listen=tcp:{port}:interface=127.0.0.1",
            cwd=place,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(str(place / "data"), result.stdout.splitlines()[0])
        pid = int((place / "twistd.pid").read_text())
        self.addCleanup(kill, pid)
        log = place / "twistd.log"
        await eventually(lambda: log.exists() and re.search(READY, log.read_text()))
        self.assertEqual(parent_of(postgres_of(place / "data")), pid)
        answer = await deferToThread(call, "curl", "-sS", f"http://127.0.0.1:{port}/healthcheck")
        self.assertEqual((answer.stdout, answer.stderr), ("OK", ""))
        os.kill(pid, signal.SIGTERM)
        await eventually(lambda: not is_alive(pid))
        self.assertIsNone(postgres_of(place / "data"))
        self.assertIn("database system is shut down", log.read_text())
        self.assertFalse((place / "twistd.pid").exists())
        self.assertEqual(list((place / "run").iterdir()), [])


class UserTests(TestCase):
    """Who runs the daemon."""

    timeout = 120

    async def test_ordinary_user(self):
        """A user without rights can run it; PostgreSQL then runs as the same user."""
        place = folder(self)
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        before = as_ordinary_user()
        user = place.stat().st_uid
        daemon = await start(
            self, data=place / "data", before=before, cwd=place, environment={"HOME": str(place)}
        )
        self.assertEqual(owner_of(daemon.pid), user)
        self.assertEqual(owner_of(daemon.postgres()), user)
        image_id = await daemon.reserve()
        self.assertEqual(await daemon.stop(), 0)
        again = await start(
            self, data=place / "data", before=before, cwd=place, environment={"HOME": str(place)}
        )
        self.assertEqual(await again.status_of(image_id), "queued")

    async def test_root(self):
        """Root can run it too: PostgreSQL, which refuses to be root, is somebody else."""
        daemon = await start(self)
        is_root = os.geteuid() == 0
        self.assertEqual(owner_of(daemon.postgres()) != owner_of(daemon.pid), is_root)

    async def test_unwritable_data_directory(self):
        """A user who may not write where the data should be is told so in one sentence."""
        place = folder(self)
        place.chmod(0o555)
        daemon = launch(self, data=place / "data", before=as_ordinary_user(), cwd="/")
        self.assertEqual(await daemon.ended(), 1)
        self.assertRegex(daemon.err.decode(), r"\Atwistd glance: [^\n]*Permission denied\n\Z")


def as_ordinary_user():
    """What runs a command as a user without rights: nothing when we are one ourselves."""
    if os.geteuid() != 0:
        return ()
    # He may not write where coverage, if it is at work, keeps what it measures, and would complain.
    measuring_nothing = ("env", "--unset=COVERAGE_PROCESS_CONFIG", "--unset=COVERAGE_PROCESS_START")
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return (*measuring_nothing, *user)


def owner_of(pid):
    """The user whom a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


def kill(pid):
    """End a process of ours, if it still runs."""
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)
