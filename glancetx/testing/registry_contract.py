"""
What every registry must do, as tests; some need hypothesis.

Mix `RegistryContract` into a `twisted.trial.unittest.TestCase` and supply ``make_registry``::

    class MyRegistryTests(RegistryContract, TestCase):
        def make_registry(self):
            return succeed(MyRegistry(...))
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from glancetx.interfaces import IRegistry
from glancetx.testing.registry_counts import CountContract
from glancetx.testing.registry_filters import FilterContract
from glancetx.testing.registry_leases import LeaseContract
from glancetx.testing.registry_listings import ListingContract
from glancetx.testing.registry_members import MemberContract
from glancetx.testing.registry_orders import OrderContract
from glancetx.testing.registry_paging import PagingContract
from glancetx.testing.registry_quotas import QuotaContract
from glancetx.testing.registry_records import RecordContract
from glancetx.testing.registry_surveys import SurveyContract
from glancetx.testing.registry_updates import UpdateContract


class RegistryContract(
    RecordContract,
    UpdateContract,
    LeaseContract,
    ListingContract,
    FilterContract,
    OrderContract,
    PagingContract,
    MemberContract,
    QuotaContract,
    CountContract,
    SurveyContract,
):
    """The promises of `IRegistry`, and of `ISurveyedRegistry` where it is provided."""

    async def test_provides_the_interface(self) -> None:
        """It is an `IRegistry` with every method and every argument."""
        verifyObject(IRegistry, await self.make_registry())
