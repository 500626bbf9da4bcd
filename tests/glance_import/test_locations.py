"""Locations of Glance and of ours."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.glance_import.locations import Locations, Rule, read_rule
from glancetx.glance_import.records import CannotImport
from glancetx.image import Location
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.http import HttpStore
from glancetx.stores.memory import MemoryStore

SECRET = "s3cr3t/with/slashes"
ID = "71c675ab-d94f-49cd-a114-e12490b328d9"

RULES = {
    "file:///var/lib/glance/images": "main",
    "file:///srv/more/": "more",
    "swift+https://auth.example/v3/glance": "main",
    "swift+config://ref1/glance": "more",
    "s3+https://s3.example/bucket": "more",
}


def shelf(*, http=True):
    stores = [ShelvedStore(name, MemoryStore(Clock())) for name in ("main", "more")]
    if http:
        schemes = frozenset({"http", "https"})
        stores.append(ShelvedStore("web", HttpStore(Clock()), schemes, True))
    return Shelf(stores)


class LocationTests(SynchronousTestCase):
    """What a URL of Glance's is in our words."""

    def setUp(self):
        rules = [read_rule(f"{prefix}={store}") for prefix, store in RULES.items()]
        self.locations = Locations(shelf(), rules)

    def refused(self, url, locations=None):
        """Why it is nowhere; the sentence shows no secret."""
        error = self.assertRaises(CannotImport, (locations or self.locations).ours, url)
        self.assertNotIn("s3cr3t", str(error))
        return str(error)

    def test_rules(self):
        """The first rule that fits tells the store, and what is below it the key."""
        for url, store in (
            (f"file:///var/lib/glance/images/{ID}", "main"),
            (f"filesystem:///srv/more/{ID}", "more"),
            (f"swift+https://tenant%3Auser:{SECRET}@auth.example/v3/glance/{ID}", "main"),
            (f"swift+config://ref1/glance/{ID}", "more"),
            (f"s3+https://KEY:{SECRET}@s3.example/bucket/{ID}", "more"),
        ):
            self.assertEqual(self.locations.ours(url), Location(store, ID), url)

    def test_no_rule(self):
        """What is elsewhere is left, and the sentence tells where it is."""
        for url, where in (
            (f"file:///var/lib/glance/images2/{ID}", "file:///var/lib/glance/images2"),
            (f"rbd://fsid/pool/{ID}/snap", f"rbd://fsid/pool/{ID}"),
            (f"s3://KEY:{SECRET}@s3.example/bucket/{ID}", "s3://s3.example/bucket"),
            (f"cinder://{ID}", "cinder:/"),
        ):
            self.assertIn(f"no --map fits its location in {where}", self.refused(url))

    def test_nothing_but_names(self):
        """What leads elsewhere from below a rule's prefix is nobody's image."""
        for rest in ("../passwd", "a/b", "", ".partial", "x?y"):
            reason = self.refused(f"file:///var/lib/glance/images/{rest}")
            self.assertIn("not named as an image", reason)

    def test_external(self):
        """What lies on a web server is read from there, credentials and all."""
        url = f"https://user:{SECRET.replace('/', '')}@example.com/image"
        self.assertEqual(self.locations.ours(url), Location("web", url))
        reason = self.refused("http://127.0.0.1/image")
        self.assertIn("no store of kind http: may read", reason)
        without = Locations(shelf(http=False), [])
        self.assertIn("http://example.com", self.refused("http://example.com/x", without))

    def test_encrypted(self):
        """An encrypted location is no URL, and is refused by a sentence that says what to do."""
        self.assertIn("metadata_encryption_key", self.refused("n0tAUrlButBase64=="))


class RuleTests(SynchronousTestCase):
    """--map"""

    def test_read(self):
        """A URL, and the name of a store behind the last equals sign."""
        self.assertEqual(read_rule("file:///a=b/=main"), Rule("file:///a=b/", "main"))
        self.assertEqual(read_rule(f"s3://K:{SECRET}@h/b=x"), Rule("s3://h/b/", "x"))

    def test_no_rule(self):
        """Anything else is refused, and not repeated."""
        for text in ("s3cr3t", "file:///a", "file:///a=", "=main", "/a=main"):
            error = self.assertRaises(ValueError, read_rule, text)
            self.assertNotIn("s3cr3t", str(error))

    def test_unknown_store(self):
        """A store that is not there is a mistake that is told before anything is done."""
        error = self.assertRaises(ValueError, Locations, shelf(), [Rule("file:///a/", "mian")])
        self.assertIn("no store 'mian', only main, more, web", str(error))
