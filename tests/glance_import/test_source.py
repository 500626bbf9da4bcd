"""Reading what Glance has written."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.glance_import.records import CannotImport, GlanceMember, to_image
from glancetx.glance_import.source import SourceError, database_url, opened
from glancetx.image import Image, Location, Status, Visibility
from tests.glance_import.schemas import Glance

ID = "71c675ab-d94f-49cd-a114-e12490b328d9"

CREATED = datetime(2016, 5, 4, 3, 2, 1)
UPDATED = datetime(2017, 6, 5, 4, 3, 2, 500_000)


class SourceCase(SynchronousTestCase):
    """A database in a file."""

    def glance(self, release="pike"):
        return Glance.make(f"sqlite:///{Path(self.mktemp()).absolute()}", release)

    def read(self, glance):
        """All images, page by page."""
        with opened(database_url(glance.url)) as database:
            found, after = [], ""
            while page := database.page(after):
                found += page
                after = page[-1].id
            return found


class SchemaTests(SourceCase):
    """Releases differ."""

    def test_everything(self):
        """An image comes with all that belongs to it, and without what was deleted."""
        glance = self.glance()
        glance.image(ID, visibility="shared", name="n", owner="o", size=5, checksum="C" * 32)
        glance.child("image_properties", ID, name="a", value="1")
        glance.child("image_properties", ID, name="b", value=None)
        glance.child("image_properties", ID, name="c", value="3", deleted=True)
        glance.location(ID, "file:///x/1")
        glance.location(ID, "file:///x/2", deleted=True)
        glance.location(ID, "file:///x/3", status="deleted")
        glance.member(ID, "m", can_share=True)
        glance.member(ID, "gone", deleted=True)
        glance.child("image_tags", ID, value="tag")
        glance.image("other", visibility="private")
        found, other = self.read(glance)
        self.assertEqual((found.id, found.name, found.size, found.tags), (ID, "n", 5, 1))
        self.assertEqual((found.created_at, found.updated_at), (CREATED, UPDATED))
        self.assertEqual(found.properties, {"a": "1", "b": None})
        self.assertEqual(found.locations, ["file:///x/1"])
        self.assertEqual(found.members, [GlanceMember("m", True, CREATED, UPDATED)])
        self.assertEqual((other.properties, other.locations, other.members), ({}, [], []))

    def test_visibility(self):
        """Before Ocata there was only is_public."""
        glance = self.glance("juno")
        glance.image("a", is_public=True)
        glance.image("b", is_public=False)
        self.assertEqual(
            [to_image(each, ()).visibility for each in self.read(glance)],
            [Visibility.PUBLIC, Visibility.SHARED],
        )

    def test_digests(self):
        """Since Rocky there is a second digest."""
        glance = self.glance("today")
        glance.image(
            ID, visibility="public", checksum="AB", os_hash_algo="sha512", os_hash_value="CD"
        )
        [found] = self.read(glance)
        self.assertEqual(to_image(found, ()).digests, {"md5": "ab", "sha512": "cd"})

    def test_many(self):
        """Pages together are everything, once."""
        glance = self.glance()
        glance.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1234) "
            "INSERT INTO images (id, status, created_at, deleted, min_disk, min_ram, protected, "
            "visibility) SELECT i, 'queued', '2016-01-01 00:00:00', 0, 0, 0, 0, 'private' FROM n"
        )
        ids = [each.id for each in self.read(glance)]
        self.assertEqual(len(ids), 1234)
        self.assertEqual(sorted(ids), sorted(map(str, range(1, 1235))))

    def test_not_glance(self):
        """Another database is refused by a sentence."""
        path = Path(self.mktemp()).absolute()
        sqlite3.connect(path).execute("CREATE TABLE images (id)").connection.close()
        with self.assertRaises(SourceError) as caught, opened(database_url(f"sqlite:///{path}")):
            pass
        self.assertIn("no database of Glance", str(caught.exception))


class RecordTests(SourceCase):
    """What becomes of an image."""

    def record(self, locations=(), **values):
        glance = self.glance()
        glance.image(ID, **{"visibility": "private", **values})
        return to_image(self.read(glance)[0], locations)

    def test_active(self):
        """It is what it was, since when it was."""
        location = Location("main", ID)
        record = self.record(
            [location], name="n", owner="o", size=5, protected=True, min_ram=7, checksum="ab"
        )
        expected = Image(
            image_id=ID,
            status=Status.ACTIVE,
            name="n",
            owner="o",
            visibility=Visibility.PRIVATE,
            protected=True,
            disk_format="qcow2",
            container_format="bare",
            size=5,
            min_ram=7,
            checksum="ab",
            digests={"md5": "ab"},
            locations=(location,),
            created_at=CREATED.replace(tzinfo=UTC),
            updated_at=UPDATED.replace(tzinfo=UTC),
        )
        self.assertEqual(record, expected)

    def test_states(self):
        """Each state of Glance is one of ours, and what was under way has ended."""
        for theirs, ours in (
            ("queued", Status.QUEUED),
            ("saving", Status.KILLED),
            ("killed", Status.KILLED),
            ("importing", Status.KILLED),
            ("deactivated", Status.DEACTIVATED),
            ("pending_delete", Status.PENDING_DELETE),
            ("deleted", Status.DELETED),
        ):
            record = self.record(status=theirs)
            self.assertIs(record.status, ours, theirs)
            self.assertEqual(bool(record.status_reason), ours is Status.KILLED)
            self.assertEqual(record.deleted_at is not None, ours.is_gone)
        self.assertRaises(CannotImport, self.record, status="strange")

    def test_tombstone(self):
        """R18: of a deleted image nothing is kept but that its id is taken."""
        record = self.record(status="deleted", deleted=True, name="n", checksum="ab", owner="o")
        self.assertEqual((record.status, record.owner), (Status.DELETED, "o"))
        self.assertEqual((record.name, record.checksum, record.digests), (None, None, {}))


class UrlTests(SynchronousTestCase):
    """--from"""

    def test_configuration(self):
        """Glance's own configuration says where its database is."""
        path = Path(self.mktemp())
        path.write_text("[DEFAULT]\nx = %y\n[database]\nconnection = mysql://u:p%40w@h/glance\n")
        url = database_url(str(path))
        self.assertEqual((url.drivername, url.password, url.host), ("mysql+pymysql", "p@w", "h"))

    def test_drivers(self):
        """Each kind of database has the driver that we bring."""
        for text, driver in (
            ("mysql://h/glance", "mysql+pymysql"),
            ("mysql+pymysql://h/glance", "mysql+pymysql"),
            ("postgres://h/glance", "postgresql+psycopg2"),
            ("postgresql://h/glance", "postgresql+psycopg2"),
            ("postgresql+psycopg://h/glance", "postgresql+psycopg"),
        ):
            self.assertEqual(database_url(text).drivername, driver)

    def test_mistakes(self):
        """A mistake is told in a sentence, and nothing is made."""
        path = Path(self.mktemp())
        path.write_text("[database]\n")
        for text in ("://s3cr3t", "nowhere.conf", str(path), "sqlite:////nowhere/glance.db"):
            error = self.assertRaises(SourceError, database_url, text)
            self.assertNotIn("s3cr3t", str(error))
        with self.assertRaises(SourceError) as caught, opened(database_url("strange://h/glance")):
            pass
        self.assertIn("strange is no kind of database", str(caught.exception))
        self.assertFalse(Path("/nowhere").exists())
