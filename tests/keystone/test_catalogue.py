"""The catalogue of services."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.keystone.catalogue import Catalogue, NoSuchEndpoint, parse_catalogue


def endpoint(interface: str, region: str, url: str | None) -> dict[str, Any]:
    """One endpoint, as Keystone writes it."""
    return {"id": "1", "interface": interface, "region": region, "region_id": region, "url": url}


def service(name: str, *endpoints: dict[str, Any]) -> dict[str, Any]:
    """One service, as Keystone writes it."""
    return {"id": "2", "type": name, "name": name, "endpoints": list(endpoints)}


CATALOGUE = parse_catalogue(
    [
        service("compute", endpoint("public", "north", "https://compute.example/v2.1")),
        service(
            "object-store",
            endpoint("admin", "north", None),
            endpoint("public", "north", "https://north.example/v1/AUTH_1"),
            endpoint("public", "south", "https://south.example/v1/AUTH_1/"),
            endpoint("internal", "south", "http://10.0.0.7:8080/v1/AUTH_1"),
        ),
        service("volume"),
    ]
)


class EndpointTests(SynchronousTestCase):
    """Where a service is."""

    def assert_none(self, sentence: str, *which: str) -> None:
        error = self.assertRaises(NoSuchEndpoint, CATALOGUE.endpoint, *which)
        self.assertEqual(str(error), sentence)

    def test_region(self) -> None:
        """Of several regions the one that is named counts; URLs have no slash at their end."""
        for region in ("north", "south"):
            self.assertEqual(
                CATALOGUE.endpoint("object-store", "public", region),
                f"https://{region}.example/v1/AUTH_1",
            )

    def test_interface(self) -> None:
        """Each interface has its own address, and the public one is meant by default."""
        self.assertEqual(
            CATALOGUE.endpoint("object-store", "internal"), "http://10.0.0.7:8080/v1/AUTH_1"
        )
        self.assertEqual(CATALOGUE.endpoint("compute"), "https://compute.example/v2.1")

    def test_any_region(self) -> None:
        """Where there are several, none is guessed."""
        self.assert_none(
            "there is a public endpoint of 'object-store' in each of the regions north, south",
            "object-store",
        )

    def test_same_region(self) -> None:
        """Of several in one region the first counts."""
        catalogue = parse_catalogue(
            [service("image", *(endpoint("public", "north", f"http://{n}.example") for n in "ab"))]
        )
        self.assertEqual(catalogue.endpoint("image"), "http://a.example")

    def test_none(self) -> None:
        """What is missing is told in words that an operator can use."""
        for name in ("image", "volume"):
            self.assert_none(f"Keystone's catalogue has no public endpoint of '{name}'", name)
        self.assert_none(
            "Keystone's catalogue has no admin endpoint of 'object-store' in the region 'north'",
            "object-store",
            "admin",
            "north",
        )


class ParseTests(SynchronousTestCase):
    """What Keystone writes."""

    def test_empty(self) -> None:
        """A token may come without a catalogue."""
        self.assertEqual(parse_catalogue(None), Catalogue())
        self.assertEqual(parse_catalogue([]), Catalogue())

    def test_old_name_of_the_region(self) -> None:
        """A region may be told by its old name, or not at all."""
        for old, region in (({"region": "north"}, "north"), ({}, "")):
            described = {"interface": "public", "url": "http://a.example", **old}
            catalogue = parse_catalogue([service("image", described)])
            self.assertEqual(catalogue.endpoints[0].region, region)

    def test_malformed(self) -> None:
        """Anything else is refused in a sentence that tells nothing of it."""
        good = endpoint("public", "north", "http://a.example")
        for services in (
            "catalog",
            7,
            {"type": "image"},
            [None],
            [{"type": "image"}],
            [{"endpoints": [good]}],
            [service("image", good | {"url": 7})],
            [service("image", good | {"interface": None})],
            [service("image", good | {"region_id": 7})],
            [{"type": 7, "endpoints": [good]}],
        ):
            error = self.assertRaises(ValueError, parse_catalogue, services)
            self.assertEqual(str(error), "this is not a catalogue of Keystone")
            self.assertIsNone(error.__context__)
