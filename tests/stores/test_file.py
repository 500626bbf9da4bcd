"""The file store keeps what every store promises, and what it promises about files."""

from __future__ import annotations

import errno
import gc
import glob
import hashlib
import os
import resource
import signal
import stat
import subprocess
from collections.abc import Iterable
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    ConsumerGone,
    DataExists,
    NoSuchData,
    RangeOutside,
    StoreForbids,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from glancetx.interfaces import IByteStream, IFileSpan, IProbed, IStore
from glancetx.stores.file import FileStore
from glancetx.stores.file_partial import Partial
from glancetx.stores.file_tree import Tree, image_id_of, key_of
from glancetx.testing.shared_store_contract import SharedStoreContract
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.stores.writing import begin_writing

reactor = cast(IReactorFromThreads, installed_reactor)

IMAGE_ID = "8f5d5a3e-6f3c-4c0e-9d1f-1d2c3b4a5f60"


class ReadyTests(TestCase):
    """Whether the directory could be used now."""

    async def started(self, directory: str) -> FileStore:
        store = FileStore(reactor, directory)
        self.addCleanup(store.stopService)
        await store.startService()
        return store

    async def test_ready(self) -> None:
        """A directory that can be written is; nothing is left there."""
        root = self.mktemp()
        store = await self.started(root)
        verifyObject(IProbed, store)
        await store.check_ready()
        self.assertEqual(os.listdir(os.path.join(root, ".partial")), [])

    async def test_directory_is_gone(self) -> None:
        """One that somebody has put something else for is not."""
        root = self.mktemp()
        store = await self.started(root)
        await store.check_ready()
        os.rename(root, root + ".elsewhere")
        with open(root, "w"):
            pass
        with self.assertRaises(StoreUnavailable):
            await store.check_ready()


class FileStoreContractTests(SharedStoreContract, TestCase):
    """The contract, on a real file system."""

    def make_store(self) -> IStore:
        self.root = self.mktemp()
        return FileStore(reactor, self.root)

    def another_store(self) -> IStore:
        return FileStore(reactor, self.root)

    def leftovers(self) -> Iterable[object]:
        return glob.glob(os.path.join(self.root, ".partial", "*"))


class ArgumentsTests(SynchronousTestCase):
    """It is made from the strings of a description."""

    def test_service(self) -> None:
        """It is a service, so that its threads are started and stopped."""
        verifyObject(IService, FileStore(reactor, "images"))

    def test_absolute(self) -> None:
        """A relative directory is meant from here, wherever the daemon goes later."""
        self.assertEqual(FileStore(reactor, "images")._tree.root, os.path.abspath("images"))

    def test_nonsense(self) -> None:
        """No directory, or no sensible number of threads, is said in a sentence."""
        for arguments in (("",), ("d", "0"), ("d", "-1"), ("d", "many"), ("d", ""), ("d", "²")):
            self.assertRaises(ValueError, FileStore, reactor, *arguments)
        self.assertRaises(ValueError, FileStore, reactor, "d", sendfile="yes")


class GivingTests(TestCase):
    """What is given can be sent by the kernel, unless the operator says no."""

    async def given(self, **options: str) -> IByteStream:
        store = FileStore(reactor, self.mktemp(), **options)
        store.startService()
        self.addCleanup(store.stopService)
        return await store.open(await store.add(IMAGE_ID, ScriptedStream([b"data"])), 1, 2)

    async def test_span(self) -> None:
        """By default it is a part of a file."""
        span = IFileSpan(await self.given())
        self.assertEqual(os.pread(span.number, span.length, span.start), b"at")
        span.close(0)

    async def test_off(self) -> None:
        """Else a stream, read by threads: for network file systems that hang."""
        stream = await self.given(sendfile="off")
        self.assertFalse(IFileSpan.providedBy(stream))
        consumer = RecordingConsumer()
        await stream.flow_to(consumer)
        self.assertEqual(consumer.data, b"at")


class KeyTests(SynchronousTestCase):
    """Keys are paths below the root, and no others are accepted."""

    def test_hashed(self) -> None:
        """The two levels of directories come from a digest of the id, not from the id itself."""
        digits = hashlib.sha256(IMAGE_ID.encode()).hexdigest()
        self.assertEqual(key_of(IMAGE_ID), f"{digits[:2]}/{digits[2:4]}/{IMAGE_ID}")
        self.assertEqual(image_id_of(key_of(IMAGE_ID)), IMAGE_ID)

    def test_strict(self) -> None:
        """Any key but the very one that was given is refused."""
        key = key_of(IMAGE_ID)
        for wrong in (
            f"/{key}",
            f"./{key}",
            f"{key}/",
            f"{key}\n",
            f"{key}\0",
            f"00/00/{IMAGE_ID}",
            key.upper(),
            key.replace("/", "//"),
            f"../{key}",
            IMAGE_ID,
            "ab/cd/..",
            "ab/cd/.",
            "ab/cd/",
            ".partial/x",
        ):
            self.assertRaises(NoSuchData, image_id_of, wrong)

    def test_no_file_name(self) -> None:
        """An id that is no plain file name is a mistake of the program."""
        for wrong in ("", ".", "..", "a/b", "-a", "é", "a" * 200):
            self.assertRaises(ValueError, key_of, wrong)


class FileCase(TestCase):
    """A started store over ``self.root``."""

    timeout = 30.0

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.store = self.start()

    def start(self) -> FileStore:
        store = FileStore(reactor, self.root, "2")
        store.startService()
        self.addCleanup(store.stopService)
        return store

    def path(self, key: str) -> str:
        return os.path.join(self.root, key)

    def partials(self) -> list[str]:
        return os.listdir(self.path(".partial"))

    async def add(self, data: bytes = b"data", image_id: str = IMAGE_ID) -> str:
        return await self.store.add(image_id, ScriptedStream([data]))

    async def until_poured(self, source: ScriptedStream) -> None:
        """Wait until the store has its partial file and asks for the bytes."""
        while not source.was_poured:
            await self.store.sweep()

    async def mount(self) -> bool:
        """Put a small file system of its own where the root is, if this machine lets us."""
        await self.store.sweep()
        os.makedirs(self.root, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.root]
        is_mounted = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
        if is_mounted:
            self.addCleanup(subprocess.check_call, ["umount", "-l", self.root])
        return is_mounted

    def limit_files(self, size: int) -> None:
        """Have the system refuse files over a size in bytes, as it may to any user."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))

    def refuse_changes(self) -> None:
        """Have every change answered as a read-only file system answers it."""
        original = os.open

        def only_read(path: str, flags: int, *args: Any, **kwargs: Any) -> int:
            if flags & os.O_CREAT:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return original(path, flags, *args, **kwargs)

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        self.patch(os, "open", only_read)
        self.patch(os, "unlink", refuse)

    async def read(self, key: str) -> bytes:
        consumer = RecordingConsumer()
        await (await self.store.open(key)).flow_to(consumer)
        return consumer.data


class LayoutTests(FileCase):
    """What lies in the directory."""

    async def test_bytes_on_disk(self) -> None:
        """A file holds the image byte for byte, under the key's path."""
        key = await self.add(b"just this")
        with open(self.path(key), "rb") as file:
            self.assertEqual(file.read(), b"just this")
        self.assertEqual(key, key_of(IMAGE_ID))

    async def test_modes(self) -> None:
        """Files are 0640 and directories 0750, whatever the umask."""
        for number, umask in enumerate((0o077, 0o000, 0o027)):
            self.root = os.path.abspath(self.mktemp())
            before = os.umask(umask)
            try:
                self.store = self.start()
                key = await self.add(image_id=f"image{number}")
            finally:
                os.umask(before)
            modes = {
                name: stat.S_IMODE(os.stat(self.path(name)).st_mode)
                for name in ("", ".partial", key[:2], key[:5], key)
            }
            self.assertEqual(modes.pop(key), 0o640)
            self.assertEqual(set(modes.values()), {0o750}, modes)

    async def test_partial_file(self) -> None:
        """While it is written it lies among the partial files, under the digits of its id."""
        source = ScriptedStream([b"x"], then=HANG)
        adding = as_deferred(self.store.add(IMAGE_ID, source))
        await self.until_poured(source)
        (name,) = self.partials()
        self.assertTrue(name.startswith(hashlib.sha256(IMAGE_ID.encode()).hexdigest()))
        self.assertFalse(os.path.exists(self.path(key_of(IMAGE_ID))))
        adding.cancel()
        await self.assertFailure(adding, CancelledError)
        self.assertEqual(self.partials(), [])


class TakenOverTests(FileCase):
    """Images that a Glance has put right below the root."""

    async def put(self, name: str, data: bytes = b"from Glance") -> None:
        await self.store.sweep()
        os.makedirs(self.root, exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    async def test_read(self) -> None:
        """The key of such an image is its name."""
        await self.put(IMAGE_ID)
        self.assertEqual(await self.read(IMAGE_ID), b"from Glance")

    async def test_delete(self) -> None:
        """It is removed as any other, once."""
        await self.put(IMAGE_ID)
        await self.store.delete(IMAGE_ID)
        self.assertFalse(os.path.exists(self.path(IMAGE_ID)))
        with self.assertRaises(NoSuchData):
            await self.store.delete(IMAGE_ID)

    async def test_looked_up(self) -> None:
        """It is not missed, and nobody takes it for bytes that are ours to remove."""
        await self.put(IMAGE_ID)
        found = await self.store.look_up(IMAGE_ID)
        self.assertIsNotNone(found)
        for holding in [found, *[each async for each in self.store.listing()]]:
            told = (holding.key, holding.image_id, holding.size, holding.is_finished)  # type: ignore[union-attr]
            self.assertEqual(told, (IMAGE_ID, None, 11, True))

    async def test_nothing_yet(self) -> None:
        """Before there is a root, nothing is missed in it."""
        tree = Tree(self.mktemp())
        for look in tree.open, tree.remove:
            self.assertRaises(NoSuchData, look, IMAGE_ID)

    async def test_beside_ours(self) -> None:
        """Neither it nor what we have written stands in the other's way."""
        await self.put(IMAGE_ID)
        key = await self.add(b"ours")
        self.assertEqual(await self.read(key), b"ours")
        self.assertEqual(await self.read(IMAGE_ID), b"from Glance")

    async def test_nothing_else(self) -> None:
        """Directories, links and hidden names below the root are no images."""
        key = await self.add()
        await self.put("target")
        os.symlink("target", self.path("link"))
        for name in (key[:2], "link", ".partial", "..", "a.b", "missing", ""):
            with self.assertRaises(NoSuchData):
                await self.store.open(name)
            with self.assertRaises(NoSuchData):
                await self.store.delete(name)


class OutsideTests(FileCase):
    """Nothing leads out of the root."""

    async def test_symbolic_links(self) -> None:
        """Neither a linked file, nor a linked directory, on either level, is followed."""
        outside = os.path.abspath(self.mktemp())
        key = await self.add()
        for linked in (key, key[:5], key[:2]):
            os.rename(self.path(linked), outside)
            os.symlink(outside, self.path(linked))
            await self.assert_nothing(key)
            with self.assertRaises((StoreUnavailable, DataExists)):
                await self.add()
            os.unlink(self.path(linked))
            os.rename(outside, self.path(linked))
        self.assertEqual(await self.read(key), b"data")

    async def assert_nothing(self, key: str) -> None:
        with self.assertRaises(NoSuchData):
            await self.store.open(key)
        with self.assertRaises(NoSuchData):
            await self.store.delete(key)

    async def test_no_regular_file(self) -> None:
        """A FIFO, a directory or a socket in the place of an image is none."""
        key = await self.add()
        os.unlink(self.path(key))
        os.mkfifo(self.path(key))
        await self.assert_nothing(key)
        os.unlink(self.path(key))
        os.mkdir(self.path(key))
        await self.assert_nothing(key)

    async def test_root_may_be_linked(self) -> None:
        """The root itself is the operator's word, and may be a link."""
        link = os.path.abspath(self.mktemp())
        os.symlink(self.root, link)
        key = await self.add()
        self.root, self.store = link, FileStore(reactor, link)
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.assertEqual(await self.read(key), b"data")

    async def test_root_is_gone(self) -> None:
        """When the root is missing the image may well exist: the store is unavailable."""
        key = await self.add()
        os.rename(self.root, f"{self.root}-away")
        for refused in (self.store.open(key), self.store.delete(key), self.add()):
            with self.assertRaises(StoreUnavailable):
                await refused
        os.rename(f"{self.root}-away", self.root)
        self.assertEqual(await self.read(key), b"data")


class ReadingTests(FileCase):
    """Files that change under the reader, and files that are closed."""

    async def test_cut_short(self) -> None:
        """A file that becomes shorter while it is read breaks off with an error."""
        key = await self.add(b"x" * 2_000_000)
        consumer = RecordingConsumer(pause_after=1)
        flow = as_deferred((await self.store.open(key)).flow_to(consumer))
        await self.add(image_id="time-passes")
        os.truncate(self.path(key), 1_000_000)
        consumer.resume()
        await self.assertFailure(flow, StoreUnavailable)
        self.assertFalse(consumer.is_registered)

    async def test_grown(self) -> None:
        """Of a file that has grown since it was opened the announced bytes come, no more."""
        key = await self.add(b"short")
        stream = await self.store.open(key)
        with open(self.path(key), "ab") as file:
            file.write(b"and more")
        consumer = RecordingConsumer()
        await stream.flow_to(consumer)
        self.assertEqual(consumer.data, b"short")

    async def test_deleted_under_reader(self) -> None:
        """Whoever has an image open may read it to the end after it was deleted."""
        key = await self.add(b"x" * 2_000_000)
        stream = await self.store.open(key)
        await self.store.delete(key)
        consumer = RecordingConsumer()
        await stream.flow_to(consumer)
        self.assertEqual(consumer.size, 2_000_000)

    async def test_closes_files(self) -> None:
        """However a flow ends, and also when it never begins, the file is closed."""
        key = await self.add(b"x" * 1_000_000)
        before = self.open_files()
        await self.read(key)
        await self.store.open(key)
        with self.assertRaises(RangeOutside):
            await self.store.open(key, 10**9)
        leaving = RecordingConsumer(stop_after=1)
        with self.assertRaises(ConsumerGone):
            await (await self.store.open(key)).flow_to(leaving)
        flow = as_deferred((await self.store.open(key)).flow_to(RecordingConsumer(pause_after=1)))
        flow.cancel()
        await self.assertFailure(flow, CancelledError)
        opening = as_deferred(self.store.open(key))
        opening.cancel()
        await self.assertFailure(opening, CancelledError)
        source = ScriptedStream([b"x"], then=HANG)
        adding = as_deferred(self.store.add("other", source))
        await self.until_poured(source)
        adding.cancel()
        await self.assertFailure(adding, CancelledError)
        gc.collect()
        self.assertEqual(self.open_files(), before)

    def open_files(self) -> list[str]:
        """What this process has open below the root."""
        paths = []
        for number in os.listdir("/proc/self/fd"):
            try:
                paths.append(os.readlink(f"/proc/self/fd/{number}"))
            except FileNotFoundError:
                pass
        return [path for path in paths if path.startswith(self.root)]


class ErrorTests(FileCase):
    """What the system says becomes an error of ours, without a path in it."""

    def break_call(self, name: str, number: int) -> None:
        original = getattr(os, name)

        def broken(*args: Any, **kwargs: Any) -> Any:
            if name == "write" and not stat.S_ISREG(os.fstat(args[0]).st_mode):
                return original(*args)  # the reactor's own waking up
            raise OSError(number, os.strerror(number), "/secret/path")

        self.patch(os, name, broken)

    async def test_mapping(self) -> None:
        """Full, forbidden, and everything else."""
        for number, expected in [
            (errno.ENOSPC, StoreFull),
            (errno.EDQUOT, StoreFull),
            (errno.EFBIG, StoreFull),
            (errno.EACCES, StoreForbids),
            (errno.EROFS, StoreForbids),
            (errno.EPERM, StoreForbids),
            (errno.EIO, StoreUnavailable),
            (errno.ESTALE, StoreUnavailable),
        ]:
            await self.add(image_id=f"before-{number}")
            for call in ("write", "fsync", "link"):
                original = getattr(os, call)
                self.break_call(call, number)
                try:
                    with self.assertRaises(expected) as caught:
                        await self.add()
                finally:
                    setattr(os, call, original)
                self.assertNotIn("secret", str(caught.exception))
                self.assertEqual(self.partials(), [])
        self.assertEqual(await self.read(await self.add()), b"data")

    async def test_cannot_sync_directory(self) -> None:
        """When the directory cannot be synced, the image that has its name already goes again."""
        original, calls = os.fsync, []

        def broken(number: int) -> None:
            calls.append(number)
            if len(calls) == 2:
                raise OSError(errno.EIO, "broken")
            original(number)

        self.patch(os, "fsync", broken)
        with self.assertRaises(StoreUnavailable):
            await self.add()
        self.assertEqual(await self.read(await self.add(b"again")), b"again")

    async def test_short_writes(self) -> None:
        """A system that takes a few bytes at a time gets them all."""
        original = os.write
        self.patch(os, "write", lambda number, data: original(number, data[:3]))
        self.assertEqual(await self.read(await self.add(b"0123456789")), b"0123456789")

    async def test_full_device(self) -> None:
        """On a device that is really full the add fails, leaves nothing, and reading goes on."""
        size = 1 << 20
        if not await self.mount():
            size = 64 << 20
            self.limit_files(size)
        key = await self.add(b"small")
        with self.assertRaises(StoreFull):
            await self.add(b"x" * (size + 1), "large")
        self.assertEqual(self.partials(), [])
        self.assertEqual(await self.read(key), b"small")

    async def test_read_only_file_system(self) -> None:
        """A root that cannot be written at start makes a store that only gives."""
        is_mounted = await self.mount()
        self.store = self.start()
        key = await self.add()
        if is_mounted:
            subprocess.check_call(["mount", "-o", "remount,ro", self.root])
        else:
            self.refuse_changes()
        with self.assertRaises(StoreForbids):
            await self.add(image_id="other")
        self.store = self.start()
        source = ScriptedStream([b"x"])
        with self.assertRaises(StoreReadOnly):
            await self.store.add("other", source)
        self.assertFalse(source.was_poured)
        self.assertEqual(await self.read(key), b"data")
        with self.assertRaises(StoreForbids):
            await self.store.delete(key)

    async def test_stopped(self) -> None:
        """A store that was stopped is unavailable."""
        key = await self.add()
        await self.store.stopService()
        for refused in (self.store.open(key), self.add()):
            with self.assertRaises(StoreUnavailable):
                await refused


class SweepTests(FileCase):
    """What dead writers have left is removed, what living ones write is not."""

    def writer(self, image_id: str = IMAGE_ID) -> subprocess.Popen[bytes]:
        """Another process in the middle of writing an image."""
        return begin_writing(self, self.root, image_id, "a part")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    async def test_writer_killed(self) -> None:
        """The partial file of a process that was killed goes, the one of a living one stays."""
        dead, _ = self.writer("dead"), self.writer("alive")
        self.assertEqual(await self.store.sweep(), 0)
        self.kill(dead)
        self.assertEqual(await self.store.sweep(), 1)
        (left,) = self.partials()
        self.assertTrue(left.startswith(hashlib.sha256(b"alive").hexdigest()))

    async def test_own_writer(self) -> None:
        """A sweep lets the uploads of its own process alone."""
        source = ScriptedStream([b"x"], then=HANG)
        adding = as_deferred(self.store.add(IMAGE_ID, source))
        await self.until_poured(source)
        self.assertEqual(await self.store.sweep(), 0)
        source.finish()
        self.assertEqual(await self.read(await adding), b"x")

    async def test_at_start(self) -> None:
        """A store that starts sweeps by itself."""
        self.kill(self.writer())
        self.assertEqual(len(self.partials()), 1)
        self.store = self.start()
        await self.store.stopService()
        self.assertEqual(self.partials(), [])

    async def test_discard_unfinished(self) -> None:
        """Discarding an image removes what its dead writers left, and of no other image."""
        for image_id in (IMAGE_ID, "other"):
            self.kill(self.writer(image_id))
        await self.store.discard(IMAGE_ID)
        (left,) = self.partials()
        self.assertTrue(left.startswith(hashlib.sha256(b"other").hexdigest()))

    async def test_strangers(self) -> None:
        """What is no regular file among the partial ones is let alone."""
        await self.add()
        os.mkdir(self.path(".partial/directory"))
        os.symlink("/etc/passwd", self.path(".partial/link"))
        self.assertEqual(await self.store.sweep(), 0)
        self.assertEqual(sorted(self.partials()), ["directory", "link"])


class PartialTests(SynchronousTestCase):
    """The race between a writer that begins and a sweeper."""

    def test_swept_before_locked(self) -> None:
        """A writer whose file was swept before it had locked it makes a new one."""
        tree = Tree(os.path.abspath(self.mktemp()))
        original = os.open
        taken: list[str] = []

        def opened(name: str, flags: int, *args: Any, **kwargs: Any) -> int:
            number = original(name, flags, *args, **kwargs)
            if name.startswith(hashlib.sha256(b"image").hexdigest()) and not taken:
                taken.append(name)
                os.unlink(name, **kwargs)
            return number

        tree.prepare()
        self.patch(os, "open", opened)
        partial = Partial(tree, "image")
        partial.create()
        self.assertEqual(len(taken), 1)
        self.assertNotEqual(os.listdir(os.path.join(tree.root, ".partial")), taken)
        partial.write(b"x")
        partial.commit()
        file, size = tree.open(partial.key)
        file.close()
        self.assertEqual(size, 1)

    def test_abandon_twice(self) -> None:
        """Abandoning does no harm before the file was made, nor the second time."""
        tree = Tree(os.path.abspath(self.mktemp()))
        partial = Partial(tree, "image")
        partial.abandon()
        partial.create()
        partial.abandon()
        partial.abandon()
        self.assertEqual(os.listdir(os.path.join(tree.root, ".partial")), [])
