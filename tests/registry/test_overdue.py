"""Leases when somebody sets the clock of PostgreSQL."""

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from glancetx.change import Change, move
from glancetx.image import Image, Location, Status
from glancetx.registry.overdue import Overdue
from glancetx.registry.postgres import PostgresRegistry
from tests.registry.server import fresh_database, open_database

#: As a server's own that was set; sessions that begin from now on go by it.
_CLOCK = """
CREATE TABLE fast AS SELECT interval '0' AS by;
CREATE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT pg_catalog.now() + by FROM fast';
SET search_path = public, pg_catalog
"""

LEASE = 30.0
STATES = tuple(Status)


class ClockSetTests(TestCase):
    """The living keep their leases, and the dead do not, whichever way the clock is set."""

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self):
        self.database = open_database(self, await fresh_database(self), size=1)
        self.registry = PostgresRegistry(self.database)
        self.clock = Clock()
        self.overdue = Overdue(self.database, self.clock)
        await self.database.write(_CLOCK)
        await self.registry.insert(Image(image_id="a", status=Status.SAVING), lease=LEASE)
        self.assertEqual(await self.take(), [])

    async def take(self):
        """The ids of what is taken."""
        rows = await self.overdue.take(LEASE, 10, STATES)
        return [row[0] for row in rows]

    async def pass_by(self, seconds, *, really):
        """PostgreSQL's clock moves, and the one that nobody sets may have moved otherwise."""
        await self.database.write("UPDATE fast SET by = by + %s * interval '1 second'", (seconds,))
        self.clock.advance(really)

    async def assert_held_no_longer(self, image_id):
        """The clock is set back, and one lease later somebody else may take it."""
        await self.pass_by(-3600, really=0)
        self.assertEqual(await self.take(), [])
        await self.pass_by(LEASE + 1, really=LEASE + 1)
        self.assertEqual(await self.take(), [image_id])

    async def assert_scrubbed_in_time(self):
        """Image b is taken 600 seconds from now, and neither now nor shortly before."""
        self.assertEqual(await self.take(), [])
        await self.pass_by(590, really=590)
        self.assertEqual(await self.take(), [])
        await self.pass_by(20, really=20)
        self.assertEqual(await self.take(), ["b"])

    async def test_time_passes(self):
        """A lease runs out when the clock is right."""
        await self.pass_by(LEASE + 1, really=LEASE + 1)
        self.assertEqual(await self.take(), ["a"])

    async def test_forward(self):
        """Whoever lives renews in time; the dead is taken when its new lease is over."""
        await self.registry.insert(Image(image_id="b", status=Status.SAVING), lease=LEASE)
        await self.pass_by(3600, really=0)
        self.assertEqual(await self.take(), [])
        await self.registry.renew("b", Status.SAVING, 2 * LEASE)
        self.assertEqual(await self.take(), [])
        await self.pass_by(LEASE + 1, really=LEASE + 1)
        self.assertEqual(await self.take(), ["a"])

    async def test_back(self):
        """The dead are taken as soon as without."""
        await self.assert_held_no_longer("a")

    async def test_back_before_anybody_looked(self):
        """That is so also when nobody who looks now has seen how the clock was before."""
        await self.pass_by(-3600, really=0)
        self.overdue = Overdue(self.database, self.clock)
        self.assertEqual(await self.take(), [])
        await self.pass_by(LEASE + 1, really=LEASE + 1)
        self.assertEqual(await self.take(), ["a"])

    async def delete(self):
        """Image a is done with, and image b is to be scrubbed in 600 seconds."""
        location = Location("file", "key")
        await self.registry.insert(Image(image_id="b", status=Status.ACTIVE, locations=(location,)))
        await self.registry.update("b", move(Status.PENDING_DELETE, lease=600), {Status.ACTIVE})
        await self.registry.update("a", Change(lease=None), {Status.SAVING})

    async def test_back_and_to_be_scrubbed(self):
        """The bytes of a deleted image are kept for as long as was said, and no longer."""
        await self.delete()
        await self.pass_by(-3600, really=0)
        await self.assert_scrubbed_in_time()

    async def test_back_while_scrubbed(self):
        """Who took a deletion before the clock was set back holds it no longer than otherwise."""
        await self.delete()
        await self.pass_by(3600, really=3600)
        self.assertEqual(await self.take(), ["b"])
        await self.assert_held_no_longer("b")

    async def test_deleted_by_an_older_release(self):
        """Its lease is the date, until that has come."""
        await self.delete()
        await self.database.write("UPDATE images SET scrub_after = NULL")
        self.overdue = Overdue(self.database, self.clock)
        await self.assert_scrubbed_in_time()
        await self.assert_held_no_longer("b")

    async def test_chores(self):
        """What daemons take turns in is not put off for as long as the clock was set back."""
        self.assertTrue(await self.registry.begin_chore("chore", 60))
        self.assertFalse(await self.registry.begin_chore("chore", 60))
        await self.pass_by(-3600, really=0)
        self.assertTrue(await self.registry.begin_chore("chore", 60))
        self.assertFalse(await self.registry.begin_chore("chore", 60))

    async def test_slow(self):
        """A server that lets its answer wait has not been set."""
        taking = ensureDeferred(self.take())
        self.clock.advance(12)
        self.assertEqual(await taking, [])
        await self.pass_by(LEASE + 1, really=LEASE + 1 - 12)
        self.assertEqual(await self.take(), ["a"])

    async def test_nothing_but_time(self):
        """A date that is far away stays so when the clock was not set."""
        await self.registry.update("a", Change(lease=3 * 3600.0), {Status.SAVING})
        await self.pass_by(3600, really=3600)
        self.assertEqual(await self.take(), [])
        await self.pass_by(3600, really=3600)
        self.assertEqual(await self.take(), [])
        await self.pass_by(3601, really=3601)
        self.assertEqual(await self.take(), ["a"])
