"""What operators' commands find out and do beside a daemon at work."""

import json
import os
import shlex
import sys
import time
from uuid import uuid4

from glancetx.stores.file_tree import key_of
from tests.integration.daemon import FORMATS, eventually, folder, run
from tests.integration.test_operating import COMMAND, InstallationCase, operate
from tests.registry.server import fresh_database


class StatusTests(InstallationCase):
    """glancetx status"""

    async def test_status(self):
        """Registry, stores, images and running transfers are told, with progress and lease."""
        daemon, options = await self.launch("wakeup_time = 3600")
        await self.image(daemon)
        await self.delete(daemon, await self.image(daemon))
        running, _ = await daemon.begun_upload()
        answer = await self.answer(*options, "status")
        self.assertEqual(answer["missing"], [])
        stores = {each["name"]: each for each in answer["stores"]}
        self.assertEqual((stores["file"]["reachable"], stores["file"]["error"]), (True, None))
        self.assertGreater(stores["file"]["free"], 0)
        self.assertIsNone(stores["http"]["reachable"])
        self.assertEqual(answer["images"]["active"], {"count": 1, "size": 5})
        self.assertEqual(answer["images"]["pending_delete"], {"count": 1, "size": 5})
        (transfer,) = answer["transfers"]
        self.assertEqual((transfer["id"], transfer["status"]), (running, "saving"))
        self.assertGreater(transfer["lease_left"], 0)
        said = (await operate(self, *options, "status").succeeds()).decode()
        self.assertIn(f"transfer  {running} saving", said)
        self.assertIn("store     file: reachable, ", said)

    async def test_store_out_of_reach(self):
        """A store that cannot be reached is told of, and the status says so."""
        daemon, options = await self.launch()
        place = daemon.data / "gone"
        place.write_text("no directory")
        stores = ["--store", f"file:{daemon.data / 'images'}", "--store", f"gone=file:{place}"]
        status, said = await self.fails(*options, *stores, "status")
        self.assertEqual(status, 1)
        self.assertIn("the store gone: ", said)
        process = operate(self, *options, *stores, "status", "--json")
        self.assertEqual(await process.ended(), 1)
        told = {each["name"]: each["reachable"] for each in json.loads(process.out)["stores"]}
        self.assertEqual(told, {"file": True, "gone": False})


class ImagesTests(InstallationCase):
    """glancetx images"""

    async def test_images(self):
        """Images of everybody are listed, filtered, with the reason of their status."""
        daemon, options = await self.launch("wakeup_time = 3600")
        active = await self.image(daemon)
        named = await daemon.reserve(**{"x-image-meta-name": "ubuntu"})
        self.assertEqual(
            (await daemon.ask("PUT", f"/v1/images/{named}", FORMATS, b"x")).status, 200
        )
        waiting = await daemon.reserve(**{"x-image-meta-name": "waiting"})
        images = (await self.answer(*options, "images"))["images"]
        self.assertEqual([each["id"] for each in images], sorted([active, named, waiting]))
        (found,) = [each for each in images if each["id"] == active]
        self.assertEqual((found["status"], found["size"]), ("active", 5))
        self.assertEqual(found["stores"], ["file"])
        for filters, ids in (
            (["--status", "queued"], [waiting]),
            (["--status", "queued", "--status", "active", "--name", "waiting"], [waiting]),
            (["--store", "file"], sorted([active, named])),
            (["--store", "nowhere"], []),
            (["--owner", "nobody"], []),
            (["--older-than", "1h"], []),
        ):
            images = (await self.answer(*options, "images", *filters))["images"]
            self.assertEqual([each["id"] for each in images], ids, filters)
        said = (await operate(self, *options, "images").succeeds()).decode()
        self.assertEqual(said.count("\n"), 3)
        self.assertIn("ubuntu\n", said)

    async def test_reader_leaves(self):
        """Whoever has seen enough may go: no traceback follows him."""
        daemon, options = await self.launch()
        for _ in range(3):
            await daemon.reserve()
        words = shlex.join(str(each) for each in (*COMMAND, *options, "images"))
        process = run(self, "/bin/sh", "-c", f"{words} | true; {words} --json | true")
        self.assertEqual(await process.ended(), 0)
        self.assertEqual(process.log, "")

    async def test_locations_are_secrets(self):
        """Of a location nothing but its store is told."""
        daemon, options = await self.launch()
        place = "http://somebody:s3cr3t@127.0.0.1:9/image"
        headers = {"x-image-meta-location": place, "x-image-meta-size": "5"}
        await daemon.ask("POST", "/v1/images", {**FORMATS, **headers})
        for arguments in ["images"], ["images", "--json"], ["status", "--json"]:
            process = operate(self, *options, *arguments)
            await process.succeeds()
            self.assertNotIn("s3cr3t", process.log)


class DatabaseTests(InstallationCase):
    """glancetx db"""

    async def test_up_to_date(self):
        """The daemon has brought the schema up to date."""
        _, options = await self.launch()
        answer = await self.answer(*options, "db", "version")
        self.assertRegex(answer["version"], r"\d{3}-[a-z-]+\.sql")
        self.assertEqual(answer["missing"], [])
        self.assertEqual(await self.answer(*options, "db", "migrate"), {"applied": []})

    async def test_migrating(self):
        """An empty database is brought up to date when that is asked for, and not before."""
        place = folder(self)
        options = ["--registry", f"postgres:{await fresh_database(self, empty=True)}"]
        options += ["--store", f"file:{place}"]
        first = await self.answer(*options, "db", "version")
        self.assertIsNone(first["version"])
        dry = await self.answer(*options, "db", "migrate", "--dry-run")
        self.assertEqual(dry["would_apply"], first["missing"])
        status, said = await self.fails(*options, "images")
        self.assertEqual(status, 1)
        self.assertIn(f"lacks {first['missing'][0]}: start a daemon of this version", said)
        done = await self.answer(*options, "db", "migrate")
        self.assertEqual(done["applied"], first["missing"])
        self.assertEqual((await self.answer(*options, "images"))["images"], [])


class VerifyTests(InstallationCase):
    """glancetx verify"""

    def path(self, daemon, image_id):
        (file,) = [each for each in daemon.files() if each.endswith(image_id)]
        return daemon.data / "images" / file

    async def test_verify(self):
        """What is as it was is right; what was tampered with, cut short or lost is told."""
        daemon, options = await self.launch()
        images = [await self.image(daemon) for _ in range(5)]
        answer = await self.answer(*options, "verify")
        self.assertEqual(answer, {"images": 5, "bytes": 25, "flaws": []})
        _, tampered, short, lost, _ = images
        self.path(daemon, tampered).write_bytes(b"hellO")
        self.path(daemon, short).write_bytes(b"hell")
        self.path(daemon, lost).unlink()
        process = operate(self, *options, "verify", "--jobs", "4", "--json")
        self.assertEqual(await process.ended(), 1)
        flaws = json.loads(process.out)["flaws"]
        self.assertEqual({each["id"] for each in flaws}, {tampered, short, lost})
        errors = {each["error"].split()[0] for each in flaws if each["id"] == tampered}
        self.assertEqual(errors, {"md5", "sha256"})
        status, said = await self.fails(*options, "verify", tampered, images[0], "nonsense")
        self.assertEqual(status, 1)
        self.assertIn(f"{tampered} in file: md5", said)
        self.assertIn("nonsense", said)
        self.assertNotIn(images[0], said)
        await operate(self, *options, "verify", images[0]).succeeds()

    async def test_killed(self):
        """A verification that is killed goes on where it got to, and forgets no flaw."""
        daemon, options = await self.launch()
        images = sorted([await self.image(daemon, bytes(100_000)) for _ in range(30)])
        self.path(daemon, images[0]).write_bytes(b"short")
        slow = ["verify", "--jobs", "1", "--rate", "200000B"]
        process = operate(self, *options, *slow)
        state = daemon.data / "verify.json"
        await eventually(lambda: state.exists() and json.loads(state.read_text())["after"])
        status, said = await self.fails(*options, "verify")
        self.assertEqual(status, 1)
        self.assertIn("another verification is using", said)
        process.signal("KILL")
        await process.ended()
        reached = json.loads(state.read_text())
        self.assertLess(reached["after"], images[-1])
        again = operate(self, *options, "verify", "--json")
        self.assertEqual(await again.ended(), 1)
        answer = json.loads(again.out)
        self.assertEqual(answer["images"], 30)
        self.assertLess(answer["bytes"] - reached["bytes"], 2_900_000)
        self.assertEqual({each["id"] for each in answer["flaws"]}, {images[0]})
        self.assertFalse(state.exists())
        anew = operate(self, *options, "verify", "--json")
        self.assertEqual(await anew.ended(), 1)
        self.assertEqual(json.loads(anew.out)["images"], 30)

    async def test_on_a_terminal(self):
        """People see how far it is; programs never do."""
        daemon, options = await self.launch()
        await self.image(daemon, bytes(100_000))
        words = shlex.join(str(each) for each in (*COMMAND, *options, "verify"))
        command = ["/bin/sh", "-c", f"stty rows 24 cols 80; exec {words}"]
        program = f"import pty, sys; sys.exit(pty.spawn({command!r}) >> 8)"
        said = await run(self, sys.executable, "-c", program, cwd=folder(self)).succeeds()
        self.assertIn(b"97.7k/97.7k", said)
        process = operate(self, *options, "verify")
        await process.succeeds()
        self.assertEqual(process.err, b"")

    async def test_interrupted(self):
        """So does one that is told to end; its status is that of whoever was interrupted."""
        daemon, options = await self.launch()
        for _ in range(10):
            await self.image(daemon, bytes(100_000))
        process = operate(self, *options, "verify", "--jobs", "1", "--rate", "100000B")
        state = daemon.data / "verify.json"
        await eventually(lambda: state.exists() and json.loads(state.read_text())["after"])
        process.signal("TERM")
        self.assertEqual(await process.ended(), 130, process.log)
        said = (await operate(self, *options, "verify").succeeds()).decode()
        self.assertIn("going on after ", said)
        self.assertIn("verified 10 images", said)


class JanitorTests(InstallationCase):
    """glancetx janitor"""

    def leave(self, daemon, image_id, age=90_000, data=b"orphan"):
        """A file of an image, as the store names it, that was written so many seconds ago."""
        path = daemon.data / "images" / key_of(image_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        moment = time.time() - age
        os.utime(path, (moment, moment))
        return path

    async def test_janitor(self):
        """Orphans are told of in a dry run, and then removed; nothing else is."""
        daemon, options = await self.launch("wakeup_time = 3600")
        kept = await self.image(daemon)
        going = await self.image(daemon)
        await self.delete(daemon, going)
        dead = await daemon.reserve()
        await self.delete(daemon, dead)
        orphan = self.leave(daemon, dead)
        unknown = self.leave(daemon, str(uuid4()))
        running, _ = await daemon.begun_upload()
        strange = daemon.data / "images" / "notes.txt"
        strange.write_text("mine")
        dry = await self.answer(*options, "janitor", "--dry-run", "--age", "0")
        found = {(each["verdict"], each["id"]) for each in dry["findings"]}
        self.assertEqual(found, {("orphan", dead), ("unknown", unknown.name)})
        counts = dry["stores"]["file"]
        self.assertEqual(counts["owned"]["count"], 2)
        self.assertEqual(counts["busy"]["count"], 1)
        self.assertEqual(counts["strange"]["count"], 1)
        self.assertTrue(orphan.exists())
        answer = await self.answer(*options, "janitor", "--age", "0")
        self.assertEqual(answer["removed"], {"count": 1, "size": 6})
        self.assertFalse(orphan.exists())
        self.assertTrue(unknown.exists())
        self.assertTrue(strange.exists())
        self.assertEqual(await daemon.status_of(running), "saving")
        said = await operate(self, *options, "janitor", "--age", "0", "--unknown").succeeds()
        self.assertIn(f"unknown {unknown.name} in file: 6 bytes, removed", said.decode())
        self.assertFalse(unknown.exists())
        self.assertEqual(await daemon.status_of(kept), "active")
        self.assertEqual(await daemon.status_of(going), "pending_delete")
        daemon.assert_quiet()

    async def test_age(self):
        """What is younger than orphan_age stays."""
        daemon, options = await self.launch()
        dead = await daemon.reserve()
        await self.delete(daemon, dead)
        self.leave(daemon, dead)
        answer = await self.answer(*options, "janitor")
        # The entry of the file is new, whatever its date says.
        self.assertEqual(answer["stores"], {"file": {"young": {"count": 1, "size": 6}}})

    async def test_lost_bytes(self):
        """Missing bytes are told of, and the status says so; the image stays as it is."""
        daemon, options = await self.launch()
        image_id = await self.image(daemon)
        (file,) = daemon.files()
        (daemon.data / "images" / file).unlink()
        status, _ = await self.fails(*options, "janitor")
        self.assertEqual(status, 1)
        process = operate(self, *options, "janitor", "--json")
        self.assertEqual(await process.ended(), 1)
        (finding,) = json.loads(process.out)["findings"]
        self.assertEqual((finding["verdict"], finding["id"]), ("missing", image_id))
        self.assertEqual(await daemon.status_of(image_id), "active")

    async def test_in_the_background(self):
        """The daemon does the same by itself."""
        daemon, options = await self.launch("orphan_interval = 1", "orphan_age = 0")
        dead = await daemon.reserve()
        await self.delete(daemon, dead)
        orphan = self.leave(daemon, dead)
        await daemon.says("1 orphans removed")
        self.assertFalse(orphan.exists())
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()
