"""The schema is brought up to date once, whoever tries, and only by who knows it."""

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.registry.dsn import named
from glancetx.registry.migrate import (
    OlderCode,
    SchemaMismatch,
    contract,
    expand,
    label,
    migrate,
    plan,
)
from glancetx.registry.steps import read_step, schema
from tests.registry.server import fresh_database, open_database, reactor

ONE = read_step("001-one.sql", "-- phase: expand\nCREATE TABLE one (n integer); SELECT 'a%sb';")
TWO = read_step("002-two.sql", "-- phase: migrate\nINSERT INTO one VALUES (1); SELECT 1;")
THREE = read_step("003-three.sql", "-- phase: contract\nALTER TABLE one ALTER n SET NOT NULL;")
FOUR = read_step("004-four.sql", "-- phase: expand\nCREATE TABLE four ();")

#: An older version, the one that takes away what the older one needed, and the next.
OLD, NEW, NEXT = [ONE], [ONE, TWO, THREE], [ONE, TWO, THREE, FOUR]


class FileTests(SynchronousTestCase):
    """The files of the schema."""

    def test_our_own(self):
        """They are numbered without gaps, and the first makes the table of images."""
        steps = schema()
        self.assertEqual([step.number for step in steps], list(range(1, len(steps) + 1)))
        self.assertEqual((steps[0].name, steps[0].phase), ("001-images.sql", "expand"))

    def test_our_own_expansions(self):
        """What is called an expansion takes nothing away that the version before works with."""
        for step in schema():
            # Before there was a version before.
            if step.number > 5 and not step.is_contract:
                self.assertNotRegex(step.statements, r"(?i)\b(DROP (TABLE|COLUMN)|RENAME)\b")

    def test_phases(self):
        """Every phase has its word."""
        for phase in "expand", "migrate", "contract":
            self.assertEqual(read_step("007-x.sql", f"-- phase: {phase}\n;").phase, phase)
        self.assertEqual(read_step("007-x.sql", "-- phase: expand\n;").number, 7)

    def test_what_is_no_step(self):
        """A file without number or phase is a mistake of the program."""
        for name, text in (
            ("images.sql", "-- phase: expand\n"),
            ("1-images.sql", "-- phase: expand\n"),
            ("001-images.sql", "CREATE TABLE x ();"),
            ("001-images.sql", "-- phase: sideways\n"),
        ):
            self.assertRaises(ValueError, read_step, name, text)


class DatabaseCase(TestCase):
    """An empty database."""

    timeout = 60

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.dsn = await fresh_database(self, empty=True)
        self.database = open_database(self, self.dsn)

    async def numbers(self):
        return [number for number, *_ in await self.recorded()]

    async def recorded(self):
        return await self.database.read(
            "SELECT number, name, phase, sha256 FROM schema_version ORDER BY number"
        )

    async def mismatch(self, *steps):
        return str(
            await self.assertFailure(ensureDeferred(migrate(self.database, steps)), SchemaMismatch)
        )


class MigrateTests(DatabaseCase):
    """Applying them."""

    async def test_from_nothing(self):
        """All steps are applied in order, and recorded."""
        self.assertEqual(await migrate(self.database, [ONE, TWO]), [ONE.name, TWO.name])
        self.assertEqual(
            await self.recorded(),
            [
                (1, "001-one.sql", "expand", ONE.sha256),
                (2, "002-two.sql", "migrate", TWO.sha256),
            ],
        )
        self.assertEqual(await self.database.read("SELECT n FROM one"), [(1,)])

    async def test_again(self):
        """What is applied is not applied again; only what is new is."""
        await migrate(self.database, [ONE])
        self.assertEqual(await migrate(self.database, [ONE]), [])
        self.assertEqual(await migrate(self.database, [ONE, TWO]), [TWO.name])

    async def test_our_own(self):
        """The schema that comes with the code can be applied, and then is."""
        self.assertEqual(await migrate(self.database), [step.name for step in schema()])
        self.assertEqual(await migrate(self.database), [])

    async def test_several_at_once(self):
        """Each step is applied by exactly one of many daemons that start together."""
        others = [open_database(self, self.dsn, size=1) for _ in range(5)]
        applied = await gatherResults(
            ensureDeferred(migrate(other, [ONE, TWO])) for other in others
        )
        self.assertEqual(sorted(sum(applied, [])), [ONE.name, TWO.name])
        self.assertEqual(await self.database.read("SELECT n FROM one"), [(1,)])

    async def test_a_failing_step(self):
        """It leaves nothing behind, and those before it stay."""
        text = "-- phase: expand\nCREATE TABLE two (); SELECT 1/0;"
        broken = read_step("002-broken.sql", text)
        with self.assertRaises(Exception) as caught:
            await migrate(self.database, [ONE, broken])
        self.assertIn("division by zero", str(caught.exception))
        self.assertEqual([row[0] for row in await self.recorded()], [1])
        self.assertEqual(await self.database.read("SELECT to_regclass('two')"), [(None,)])

    async def test_changed_file(self):
        """A step that is not what was applied is refused, and nothing is done."""
        await migrate(self.database, [ONE])
        other = read_step("001-one.sql", ONE.statements + "\n")
        self.assertIn("001-one.sql", await self.mismatch(other, TWO))
        self.assertEqual(len(await self.recorded()), 1)


class PhaseTests(DatabaseCase):
    """Two versions on one database."""

    async def refused(self, deed, steps):
        return str(await self.assertFailure(ensureDeferred(deed(self.database, steps)), OlderCode))

    async def test_expand(self):
        """It leaves alone what older code needs, and goes on behind it."""
        await migrate(self.database, OLD)
        self.assertEqual(await expand(self.database, NEXT), [TWO.name, FOUR.name])
        self.assertEqual(await expand(self.database, NEXT), [])
        self.assertEqual(await self.numbers(), [1, 2, 4])
        await self.database.write("INSERT INTO one VALUES (NULL)")

    async def test_contract(self):
        """Afterwards it is taken away, once."""
        await expand(self.database, NEXT)
        self.assertEqual(await contract(self.database, NEXT), [THREE.name])
        self.assertEqual(await contract(self.database, NEXT), [])
        self.assertEqual(await self.numbers(), [1, 2, 3, 4])

    async def test_contract_first(self):
        """Nothing is taken away before there is what replaces it."""
        await migrate(self.database, OLD)
        refusal = await self.assertFailure(
            ensureDeferred(contract(self.database, NEW)), SchemaMismatch
        )
        self.assertIn("expanded", str(refusal))
        self.assertEqual(await self.numbers(), [1])

    async def test_older_code_starts(self):
        """Code that does not know what was added works on it, and changes nothing."""
        await expand(self.database, NEW)
        self.assertEqual(await expand(self.database, OLD), [])
        self.assertEqual((await plan(self.database, OLD)).foreign, (TWO.name,))
        self.assertEqual(await self.numbers(), [1, 2])

    async def test_older_code_is_late(self):
        """Code whose needs were taken away leaves the database alone."""
        await migrate(self.database, NEW)
        self.assertIn("003-three.sql", await self.mismatch(ONE))
        self.assertIn("newer version", await self.mismatch(ONE, TWO))

    async def test_older_code_is_connected(self):
        """As long as a daemon of an older version is there nothing is taken away."""
        older = open_database(self, named(self.dsn, "glancetx schema 2"), size=1)
        await older.read("SELECT 1")
        self.assertIn(THREE.name, await self.refused(migrate, NEW))
        self.assertEqual(await self.numbers(), [1, 2])
        await older.close()
        self.assertEqual(await self.patiently(NEW), [THREE.name])

    async def test_others_are_connected(self):
        """Nobody else matters: newer ones, commands of PostgreSQL's, other databases."""
        names = "glancetx schema 3", "glancetx schema 4", "psql", "glancetx schema x"
        for dsn in [named(self.dsn, name) for name in names]:
            await open_database(self, dsn, size=1).read("SELECT 1")
        elsewhere = named(await fresh_database(self), "glancetx schema 1")
        await open_database(self, elsewhere, size=1).read("SELECT 1")
        self.assertEqual(await migrate(self.database, NEW), [ONE.name, TWO.name, THREE.name])

    async def test_our_own_name(self):
        """It tells the last file that this code knows."""
        self.assertEqual(label(), f"glancetx schema {len(schema())}")

    async def test_plan(self):
        """A plan tells what would be done, and does nothing."""
        empty = await plan(self.database, NEXT)
        self.assertEqual((empty.number, empty.expand), (0, (ONE, TWO, FOUR)))
        self.assertEqual((empty.contract, empty.foreign), ((THREE,), ()))
        self.assertEqual(
            await self.database.read("SELECT to_regclass('schema_version')"), [(None,)]
        )
        await expand(self.database, NEXT)
        expanded = await plan(self.database, NEXT)
        self.assertEqual((expanded.number, expanded.expand, expanded.contract), (4, (), (THREE,)))

    async def patiently(self, steps):
        """Contract when the server has noticed that somebody has hung up."""
        while True:
            try:
                return await contract(self.database, steps)
            except OlderCode:
                await deferLater(reactor, 0.05)
