"""The registry in PostgreSQL keeps every promise."""

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import TestCase

from glancetx.registry.postgres import PostgresRegistry
from glancetx.testing.registry_contract import RegistryContract
from tests.registry.server import fresh_database, open_database


class PostgresRegistryTests(RegistryContract, TestCase):
    """The contract of all registries."""

    def make_registry(self):
        async def make():
            return PostgresRegistry(open_database(self, await fresh_database(self)))

        return ensureDeferred(make())
