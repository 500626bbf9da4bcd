"""The quota of an owner, under uploads that really come at the same time."""

from collections import Counter

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from tests.integration.daemon import FORMATS, eventually, folder, start

MIB = 1 << 20


class QuotaTests(TestCase):
    """Five megabytes, and sixteen clients with one each."""

    timeout = 180

    async def launch(self, data=None):
        config = folder(self) / "glance.toml"
        config.write_text('user_storage_quota = "5MB"\ntransfer_lease = 2\n')
        return await start(self, "--config", config, data=data)

    async def race(self, daemon, **headers):
        """How often each status was answered."""
        file = folder(self) / "image"
        file.write_bytes(bytes(MIB))
        given = [f"-H{name}: {value}" for name, value in {**FORMATS, **headers}.items()]
        clients = [
            daemon.curl("-XPOST", "-T", file, "-w%{http_code}", "--limit-rate", "4M", *given)
            for _ in range(16)
        ]
        await gatherResults([client.ended() for client in clients])
        return Counter(int(client.out.decode()[-3:]) for client in clients)

    async def test_known_sizes(self):
        """As many are taken as fit, and not one more; the others are refused (C-18) (C-19)."""
        daemon = await self.launch()
        self.assertEqual(await self.race(daemon), {201: 5, 413: 11})
        self.assertEqual(len(daemon.files()), 5)
        daemon.assert_quiet()

    async def test_unknown_sizes(self):
        """Streams may hinder each other, and never pass the quota; later ones fill it (C-18)."""
        daemon = await self.launch()
        answers = await self.race(daemon, **{"Transfer-Encoding": "chunked"})
        self.assertEqual(answers.keys() - {201, 413}, set())
        taken = answers[201]
        self.assertLessEqual(taken, 5)
        self.assertEqual(len(daemon.files()), taken)
        self.assertEqual((await self.race(daemon))[201], 5 - taken)
        self.assertEqual(len(daemon.files()), 5)
        daemon.assert_quiet()

    async def test_killed(self):
        """What a dead daemon's upload had set aside is free when the next one has cleared up."""
        daemon = await self.launch()
        torn, _ = await daemon.begun_upload(size=4 * MIB)
        file = folder(self) / "image"
        file.write_bytes(bytes(4 * MIB))
        given = [f"-H{name}: {value}" for name, value in FORMATS.items()]
        refused = daemon.curl("-XPOST", "-T", file, "-w%{http_code}", *given)
        await refused.ended()
        self.assertEqual(refused.out[-3:], b"413")
        daemon.signal("KILL")
        await daemon.ended()
        again = await self.launch(daemon.data)
        await again.becomes(torn, "killed", patience=20)
        head = await again.ask("HEAD", f"/v1/images/{torn}")
        self.assertIn("went away", head.headers["x-glancetx-status-reason"])
        await eventually(lambda: again.files() == [], patience=20)
        await eventually(lambda: again.uploaded(file), patience=20)
        again.assert_quiet()
