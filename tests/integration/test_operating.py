"""``glancetx``: operating an installation beside its daemon, and without it."""

import json
import os
import sys

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx import __version__
from glancetx.command.program import COMMANDS
from tests.integration.daemon import FORMATS, call, folder, run, start

COMMAND = (sys.executable, "-m", "glancetx")


def operate(test, *arguments):
    """Start the command; a `Process`. Its own directory is no checkout."""
    return run(test, *COMMAND, *arguments, cwd=folder(test))


class InstallationCase(TestCase):
    """An installation that delays deletions."""

    timeout = 180

    def configure(self, *lines):
        """The options of daemon and command alike."""
        place = folder(self)
        config = place / "glance.toml"
        config.write_text("\n".join(["delayed_delete = true", *lines]))
        return ["--config", config, "--data", place / "data"]

    async def launch(self, *lines):
        """A daemon, and the options that name its installation."""
        options = self.configure(*lines)
        return await start(self, *options[:2], data=options[3]), options

    async def image(self, daemon, body=b"hello"):
        """The id of a new active image."""
        answer = await daemon.ask("POST", "/v1/images", FORMATS, body)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["image"]["id"]

    async def delete(self, daemon, image_id):
        answer = await daemon.ask("DELETE", f"/v1/images/{image_id}")
        self.assertEqual(answer.status, 200)

    async def answer(self, *arguments):
        """What the command says in JSON."""
        return json.loads(await operate(self, *arguments, "--json").succeeds())

    async def fails(self, *arguments):
        """Its exit status, and what it says about that."""
        process = operate(self, *arguments)
        status = await process.ended()
        return status, process.err.decode()


class BesideTests(InstallationCase):
    """The daemon runs, and goes on running."""

    async def test_withdrawing(self):
        """Images are withdrawn and given back while the daemon serves (O-08)."""
        daemon, options = await self.launch()
        image_id = await self.image(daemon)
        postgres = daemon.postgres()
        said = await operate(self, *options, "deactivate", image_id).succeeds()
        self.assertEqual(said.decode(), f"deactivated {image_id}\n")
        self.assertEqual(await daemon.status_of(image_id), "deactivated")
        self.assertEqual((await daemon.ask("GET", f"/v1/images/{image_id}")).status, 403)
        answer = await self.answer(*options, "reactivate", image_id)
        self.assertEqual(answer, {"reactivated": [image_id], "failed": []})
        self.assertEqual((await daemon.ask("GET", f"/v1/images/{image_id}")).body, b"hello")
        self.assertEqual(daemon.postgres(), postgres)
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()

    async def test_some_fail(self):
        """What can be done is done, what cannot is told, and the status says so."""
        daemon, options = await self.launch()
        active, queued = await self.image(daemon), await daemon.reserve()
        status, said = await self.fails(*options, "deactivate", queued, "nonsense", active)
        self.assertEqual(status, 1)
        self.assertEqual(await daemon.status_of(active), "deactivated")
        self.assertIn(f"{queued}: Image {queued} is queued, and not active\n", said)
        self.assertIn("nonsense: Image with identifier nonsense not found\n", said)
        self.assertEqual(said.count("\n"), 2)
        process = operate(self, *options, "reactivate", "nonsense", active, "--json")
        self.assertEqual(await process.ended(), 1)
        answer = json.loads(process.out)
        self.assertEqual(answer["reactivated"], [active])
        self.assertEqual([each["id"] for each in answer["failed"]], ["nonsense"])

    async def test_scrubbing(self):
        """Deleted images are told of, and then scrubbed, without waiting for the daemon (D-17)."""
        daemon, options = await self.launch("wakeup_time = 3600")
        kept, image_id = await self.image(daemon), await self.image(daemon)
        self.assertEqual(await self.answer(*options, "scrub"), {"scrubbed": [], "failed": []})
        await self.delete(daemon, image_id)
        for _ in range(2):
            answer = await self.answer(*options, "scrub", "--dry-run")
            self.assertEqual(answer, {"due": [image_id], "failed": []})
        self.assertEqual(len(daemon.files()), 2)
        self.assertEqual(await daemon.status_of(image_id), "pending_delete")
        answer = await self.answer(*options, "scrub")
        self.assertEqual(answer, {"scrubbed": [image_id], "failed": []})
        self.assertEqual([os.path.basename(file) for file in daemon.files()], [kept])
        self.assertEqual(await daemon.status_of(image_id), "deleted")

    async def test_not_due(self):
        """What has to be kept is kept."""
        daemon, options = await self.launch("scrub_time = 3600")
        image_id = await self.image(daemon)
        await self.delete(daemon, image_id)
        self.assertEqual((await self.answer(*options, "scrub"))["scrubbed"], [])
        self.assertEqual(len(daemon.files()), 1)

    async def test_uploads_go_on(self):
        """A scrub leaves alone what an upload is just writing."""
        daemon, options = await self.launch("wakeup_time = 3600")
        await daemon.begun_upload()
        await self.delete(daemon, await self.image(daemon))
        self.assertEqual(len((await self.answer(*options, "scrub"))["scrubbed"]), 1)
        self.assertEqual(len(daemon.files()), 1)

    async def test_many_at_once(self):
        """Each image is scrubbed by one of several commands."""
        daemon, options = await self.launch("wakeup_time = 3600")
        images = [await self.image(daemon) for _ in range(10)]
        for image_id in images:
            await self.delete(daemon, image_id)
        commands = [operate(self, *options, "scrub", "--json") for _ in range(3)]
        said = await gatherResults([command.ended() for command in commands])
        self.assertEqual(said, [0, 0, 0])
        scrubbed = [each for c in commands for each in json.loads(c.out)["scrubbed"]]
        self.assertEqual(sorted(scrubbed), sorted(images))
        self.assertEqual(daemon.files(), [])


class AllTests(InstallationCase):
    """Every command that only looks; `tests.operating` asks more of each of them."""

    async def test_all_is_well(self):
        """Together, beside a daemon at work, they find nothing wrong."""
        daemon, options = await self.launch()
        image_id = await self.image(daemon)
        await daemon.begun_upload()
        words = ["status"], ["images"], ["verify"], ["janitor", "--dry-run"], ["db", "version"]
        asked = [ensureDeferred(self.answer(*options, *each)) for each in words]
        status, images, verified, compared, schema = await gatherResults(asked)
        self.assertEqual(status["images"]["active"], {"count": 1, "size": 5})
        self.assertIn(image_id, [each["id"] for each in images["images"]])
        self.assertEqual(verified, {"images": 1, "bytes": 5, "flaws": []})
        self.assertEqual(compared["stores"]["file"]["owned"], {"count": 1, "size": 5})
        self.assertEqual((schema["missing"], schema["version"]), ([], status["schema"]))
        daemon.assert_quiet()


class WithoutTests(InstallationCase):
    """No daemon runs."""

    async def test_embedded(self):
        """The registry is started for the moment, and a daemon can start afterwards."""
        daemon, options = await self.launch("wakeup_time = 3600")
        image_id, other = await self.image(daemon), await self.image(daemon)
        await self.delete(daemon, image_id)
        self.assertEqual(await daemon.stop(), 0)
        several = [operate(self, *options, "scrub") for _ in range(3)]
        several.append(operate(self, *options, "deactivate", other))
        for process in several:
            await process.succeeds()
        self.assertIsNone(daemon.postgres())
        again = await start(self, *options[:2], data=options[3])
        self.assertEqual(await again.status_of(other), "deactivated")
        self.assertEqual(await again.status_of(image_id), "deleted")
        self.assertEqual([os.path.basename(file) for file in again.files()], [other])


class MistakeTests(InstallationCase):
    """One sentence, and a status."""

    async def test_mistakes(self):
        """Nothing is opened or made, and the sentence says what to do."""
        place = folder(self)
        for arguments, sentence in (
            (["--registry", "memory:"], "a registry in memory can be reached by nobody"),
            (["--data", place / "none"], "there is no registry in"),
            (["--config", place / "none"], "cannot be read: No such file"),
            (["--registry", "oracle:"], "--registry must be"),
            (["--data", place, "--store", "nonsense:"], "nonsense"),
        ):
            status, said = await self.fails(*arguments, "scrub")
            self.assertEqual((status, said.count("\n")), (1, 1), said)
            self.assertTrue(said.startswith("glancetx: "), said)
            self.assertIn(sentence, said)
        self.assertEqual(list(place.iterdir()), [])

    async def test_quota_that_makes_no_sense(self):
        """It is found when the daemon starts, not when somebody uploads (F-05)."""
        options = self.configure('user_storage_quota = "1 KB"')
        status, said = await self.fails(*options, "scrub")
        self.assertEqual(status, 1)
        self.assertIn("'user_storage_quota' must be bytes, or digits with a unit", said)


class HelpTests(SynchronousTestCase):
    """What is told without an installation."""

    def test_version(self):
        """--version tells the version."""
        self.assertEqual(call(*COMMAND, "--version").stdout, f"glancetx {__version__}\n")

    def test_help(self):
        """Every command is explained; without one the status is 2."""
        said = call(*COMMAND, "--help").stdout
        for command in COMMANDS:
            self.assertIn(f" {command.name} ", said)
        for word in "scrub", "deactivate", "reactivate", "--config", "--data", "--registry":
            self.assertIn(word, said)
        self.assertEqual(call(*COMMAND).returncode, 2)

    def test_no_reactor(self):
        """Importing it chooses no reactor."""
        program = "import sys, glancetx.command; print('twisted.internet.reactor' in sys.modules)"
        self.assertEqual(call(sys.executable, "-c", program).stdout, "False\n")
