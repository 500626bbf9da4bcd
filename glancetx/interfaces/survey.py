"""What a registry tells those who look after the whole of it."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from zope.interface import Interface

from glancetx.survey import Surveyed, SurveyQuery, Total


class ISurveyedRegistry(Interface):
    """
    Shows all images, whosever they are and in whatever state, with their leases.

    Every method raises `glancetx.errors.RegistryUnavailable` when the registry cannot be reached
    in reasonable time, and is safe to cancel.
    """

    def survey(query: SurveyQuery) -> Awaitable[list[Surveyed]]:
        """One page of images."""

    def survey_of(image_ids: Collection[str]) -> Awaitable[list[Surveyed]]:
        """Those of these images that there ever were, in any order."""

    def totals() -> Awaitable[list[Total]]:
        """
        How many images there are of each state that any image is in, in no order.

        It may read the whole table: not for requests.
        """

    def begin_chore(name: str, interval: float) -> Awaitable[bool]:
        """
        Whether to do what daemons take turns in: one of them, every ``interval`` seconds.

        The interval begins now for everybody, if this is true.
        """

    def go_on_with_chore(name: str) -> Awaitable[None]:
        """Whoever is at it still is: the interval begins anew."""
