"""Two versions of the code, one of which needs more of the schema, on one database."""

import shutil
import sys
from pathlib import Path

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import TestCase

import glancetx
from glancetx.registry.migrate import plan
from glancetx.registry.steps import schema
from tests.integration.daemon import Ended, folder, run, start
from tests.registry.server import fresh_database, open_database

#: What the next version adds to the schema: the number, and then the phase, are filled in.
NEXT = {
    "note": "-- phase: expand\nALTER TABLE images ADD COLUMN note text NOT NULL DEFAULT '';\n",
    "notes": "-- phase: migrate\nUPDATE images SET note = 'old' WHERE note = '';\n",
    "no-old-notes": "-- phase: contract\nALTER TABLE images ADD CHECK (note <> 'older');\n",
}

CONTRACT = """
import sys
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react
from glancetx.registry.database import Database
from glancetx.registry.migrate import contract

async def main(reactor):
    database = Database(reactor, sys.argv[1], size=1)
    print(await contract(database))
    await database.close()

react(lambda reactor: ensureDeferred(main(reactor)))
"""


class UpgradeTests(TestCase):
    """A rolling upgrade costs nobody anything."""

    timeout = 120

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.dsn = await fresh_database(self)
        self.place = folder(self)
        self.next = self.place / "next"
        shutil.copytree(Path(glancetx.__file__).parent, self.next / "glancetx")
        first = len(schema()) + 1
        self.files = [f"{n:03}-{name}.sql" for n, name in enumerate(NEXT, first)]
        for name, text in zip(self.files, NEXT.values(), strict=True):
            (self.next / "glancetx" / "registry" / "schema" / name).write_text(text)
        self.image = self.place / "image"
        self.image.write_bytes(b"image" * 1000)

    def start(self, environment=()):
        return start(
            self,
            "--registry",
            f"postgres:{self.dsn}",
            "--store",
            f"file:{self.place / 'images'}",
            environment=environment,
        )

    def start_next(self):
        """A daemon of the next version."""
        return self.start({"PYTHONPATH": self.next})

    def contract(self):
        """What the next version's contraction says."""
        command = run(
            self, sys.executable, "-c", CONTRACT, self.dsn, environment={"PYTHONPATH": self.next}
        )
        return command.succeeds()

    async def everything(self, daemon, other):
        """One daemon makes, changes and deletes an image, and the other sees all of it."""
        image_id = await daemon.uploaded(self.image)
        renamed = await daemon.ask("PUT", f"/v1/images/{image_id}", {"x-image-meta-name": "new"})
        self.assertEqual(renamed.status, 200)
        shown = await other.ask("GET", f"/v1/images/{image_id}")
        self.assertEqual(shown.headers["x-image-meta-name"], "new")
        self.assertEqual(shown.body, self.image.read_bytes())
        member = await daemon.ask("PUT", f"/v1/images/{image_id}/members/somebody")
        self.assertEqual(member.status, 204)
        self.assertEqual((await daemon.ask("DELETE", f"/v1/images/{image_id}")).status, 200)
        self.assertEqual(await other.status_of(image_id), "deleted")

    async def test_rolling_upgrade(self):
        """Old and new daemons work together until what the old ones need is taken away."""
        old = await self.start()
        kept = await old.uploaded(self.image)
        new = await self.start_next()
        self.assertIn(f"schema is now at {self.files[0]} (expand)", new.log)
        self.assertIn(f"schema waits for {self.files[2]}", new.log)
        await self.everything(old, new)
        await self.everything(new, old)

        again = await self.start()
        await self.everything(again, new)
        await again.stop()

        refusal = str(await self.assertFailure(ensureDeferred(self.contract()), Ended))
        self.assertIn("a daemon of an older version is connected", refusal)
        await self.everything(old, new)

        await old.stop()
        self.assertIn(self.files[2].encode(), await self.contract())
        self.assertEqual((await new.ask("HEAD", f"/v1/images/{kept}")).status, 200)
        await self.everything(new, new)
        late = str(await self.assertFailure(ensureDeferred(self.start()), Ended))
        self.assertIn("a newer version of glancetx, which took away what this one needs", late)
        for daemon in old, again, new:
            daemon.assert_quiet()

    async def test_embedded(self):
        """Who is alone with the registry takes away at once what nobody else can need."""
        data = self.place / "data"
        old = await start(self, data=data)
        image_id = await old.uploaded(self.image)
        await old.stop()
        new = await start(self, data=data, environment={"PYTHONPATH": self.next})
        self.assertIn(f"schema is now at {self.files[2]} (contract)", new.log)
        self.assertEqual((await new.ask("GET", f"/v1/images/{image_id}")).status, 200)

    async def test_plan(self):
        """This version's plan for its own database is to do nothing."""
        database = open_database(self, self.dsn)
        found = await plan(database)
        self.assertEqual((found.number, found.expand, found.contract), (len(schema()), (), ()))
