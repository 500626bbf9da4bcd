"""Addresses of databases are read, resolved, and never told with their secrets."""

import os
from typing import Any

from psycopg2.extensions import parse_dsn
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IHostResolution
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.deferreds import as_deferred
from glancetx.registry.dsn import named, read_dsn


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name):
        self.name = name

    def cancel(self):
        pass


class _Resolver:
    """A reactor that knows two names."""

    addresses: Any = {
        "one.example": [IPv4Address("TCP", "192.0.2.1", 0)],
        "two.example": [IPv6Address("TCP", "2001:db8::2", 0), IPv4Address("TCP", "192.0.2.2", 0)],
    }

    @property
    def nameResolver(self):  # noqa: N802
        return self

    def resolveHostName(self, receiver, name, *options):  # noqa: N802
        resolution = _Resolution(name)
        receiver.resolutionBegan(resolution)
        for address in self.addresses.get(name, ()):
            receiver.addressResolved(address)
        receiver.resolutionComplete()
        return resolution


REACTOR: Any = _Resolver()


class ReadTests(SynchronousTestCase):
    """Reading what an operator wrote."""

    def test_a_name(self):
        """Connections can be given a name, which wins over one that the operator gave."""
        for text in "host=db.example application_name=mine", "postgresql://db.example":
            parameters = read_dsn(named(text, "ours 5")).parameters
            self.assertEqual(parameters["application_name"], "ours 5")
            self.assertEqual(parameters["host"], "db.example")
        self.assertRaises(ValueError, named, "nonsense", "ours 5")

    def test_both_forms(self):
        """libpq's own form and the URI say the same."""
        parameters = [
            read_dsn(text).parameters
            for text in (
                "host=db.example port=6432 dbname=glance user=me password='a b'",
                "postgresql://me:a%20b@db.example:6432/glance",
                "postgres://me:a%20b@db.example:6432/glance",
            )
        ]
        self.assertEqual(parameters[0], parameters[1])
        self.assertEqual(parameters[0], parameters[2])
        self.assertEqual(parameters[0]["password"], "a b")

    def test_our_name(self):
        """The server is told who we are, unless the address says otherwise."""
        self.assertEqual(read_dsn("").parameters["fallback_application_name"], "glancetx")
        self.assertEqual(read_dsn("gssencmode=require").parameters["gssencmode"], "require")

    def test_what_cannot_be_read(self):
        """The error says how to write it, and does not repeat it."""
        for text in (
            "sesame",
            "host=a pasword=sesame",
            "password='sesame",
            "postgresql://me:sesame@host:port:1/",
            "postgresql://me:ses%zzame@host/",
            "host=a,b,c port=1,2 password=sesame",
            "password=sesame\0",
        ):
            error = self.assertRaises(ValueError, read_dsn, text)
            self.assertNotIn("sesame", str(error))
            self.assertIs(error.__cause__, None)
            self.assertTrue(error.__suppress_context__ or error.__context__ is None)

    def test_text_without_secrets(self):
        """As text it tells where the database is, and no password."""
        dsn = read_dsn("postgresql://me:sesame@db.example/glance?options=-csesame")
        for text in str(dsn), repr(dsn), f"{dsn}":
            self.assertEqual(text, "host=db.example dbname=glance user=me")


class ResolveTests(SynchronousTestCase):
    """Names become addresses before libpq sees them."""

    def setUp(self):
        for name in "PGHOST", "PGHOSTADDR", "PGPORT":
            if name in os.environ:
                self.patch(os, "environ", {**os.environ, name: ""})

    def resolved(self, text):
        """Host, address and port as libpq gets them."""
        deferred = as_deferred(read_dsn(text).resolved(REACTOR))
        parameters = parse_dsn(self.successResultOf(deferred))
        return tuple(parameters.get(name) for name in ("host", "hostaddr", "port"))

    def test_a_name(self):
        """Its address is added; the name stays, for certificates are made out to it."""
        self.assertEqual(
            self.resolved("postgresql://one.example/g"), ("one.example", "192.0.2.1", "")
        )

    def test_every_address_of_a_name(self):
        """All addresses are tried, each at the same port."""
        self.assertEqual(
            self.resolved("host=two.example port=5433"),
            ("two.example,two.example", "2001:db8::2,192.0.2.2", "5433,5433"),
        )

    def test_several_hosts(self):
        """Each is resolved by itself; sockets stay as they are."""
        self.assertEqual(
            self.resolved("host=one.example,/run/pg,two.example port=1,2,3"),
            (
                "one.example,/run/pg,two.example,two.example",
                "192.0.2.1,,2001:db8::2,192.0.2.2",
                "1,2,3,3",
            ),
        )

    def test_nothing_to_resolve(self):
        """Addresses, sockets and no host at all pass as they are."""
        for text, host in (
            ("host=192.0.2.7", "192.0.2.7"),
            ("host=::1", "::1"),
            ("host=/run/postgresql", "/run/postgresql"),
            ("host=@abstract", "@abstract"),
            ("dbname=g", None),
        ):
            self.assertEqual(self.resolved(text), (host, None, None))

    def test_given_address(self):
        """An operator's own address is not looked up."""
        self.assertEqual(
            self.resolved("host=three.example hostaddr=192.0.2.3"),
            ("three.example", "192.0.2.3", None),
        )

    def test_name_from_the_environment(self):
        """libpq would look up PGHOST as well."""
        self.patch(os, "environ", {"PGHOST": "one.example"})
        self.assertEqual(self.resolved("dbname=g")[:2], ("one.example", "192.0.2.1"))

    def test_unknown_name(self):
        """A name without an address is an error that can pass."""
        deferred = as_deferred(read_dsn("host=nowhere.example").resolved(REACTOR))
        self.failureResultOf(deferred, DNSLookupError)
