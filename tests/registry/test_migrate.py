"""The schema is brought up to date once, whoever tries, and only by who knows it."""

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.registry.migrate import SchemaMismatch, migrate, read_step, schema
from tests.registry.server import fresh_database, open_database

ONE = read_step("001-one.sql", "-- phase: expand\nCREATE TABLE one (n integer); SELECT 'a%sb';")
TWO = read_step("002-two.sql", "-- phase: migrate\nINSERT INTO one VALUES (1); SELECT 1;")


class FileTests(SynchronousTestCase):
    """The files of the schema."""

    def test_our_own(self):
        """They are numbered without gaps, and the first makes the table of images."""
        steps = schema()
        self.assertEqual([step.number for step in steps], list(range(1, len(steps) + 1)))
        self.assertEqual((steps[0].name, steps[0].phase), ("001-images.sql", "expand"))

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


class MigrateTests(TestCase):
    """Applying them."""

    timeout = 60

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.dsn = await fresh_database(self, empty=True)
        self.database = open_database(self, self.dsn)

    async def recorded(self):
        return await self.database.read(
            "SELECT number, name, phase, sha256 FROM schema_version ORDER BY number"
        )

    async def mismatch(self, *steps):
        return str(
            await self.assertFailure(ensureDeferred(migrate(self.database, steps)), SchemaMismatch)
        )

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

    async def test_newer_database(self):
        """Code that does not know what was done to the database leaves it alone."""
        await migrate(self.database, [ONE, TWO])
        self.assertIn("newer version", await self.mismatch(ONE))

    async def test_changed_file(self):
        """A step that is not what was applied is refused, and nothing is done."""
        await migrate(self.database, [ONE])
        other = read_step("001-one.sql", ONE.statements + "\n")
        self.assertIn("001-one.sql", await self.mismatch(other, TWO))
        self.assertEqual(len(await self.recorded()), 1)
