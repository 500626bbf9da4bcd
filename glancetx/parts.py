"""Settings → the parts that the daemon and the operator's command have in common."""

from __future__ import annotations

from typing import Any

from twisted.application.service import IService, MultiService

from glancetx.cache.cache import ImageCache
from glancetx.config import ConfigError, Settings
from glancetx.description import BadDescription, parse
from glancetx.interfaces import IAuthenticator, IRegistry, ISurveyedRegistry
from glancetx.notifying import Notifiers
from glancetx.plugins import (
    BadAuthenticator,
    BadNotifier,
    BadStore,
    installed_authenticators,
    installed_notifiers,
    installed_stores,
    open_authenticator,
    open_notifier,
    open_store,
)
from glancetx.policy.enforcer import Policy
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.threads import Threads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.comparing import Comparing
from glancetx.usecases.comparison import Comparison
from glancetx.usecases.delete import Deletions
from glancetx.usecases.janitor import Janitor
from glancetx.usecases.orphans import Orphans
from glancetx.usecases.pace import Pace
from glancetx.usecases.recognition import Recognition
from glancetx.usecases.transfers import Transfers

#: Seconds of a hundred years: whoever asks for more means for ever, and dates have an end.
FOR_EVER = 100 * 365 * 86400.0


#: How many things one daemon compares in a second, while it has better things to do.
COMPARED_EACH_SECOND = 200.0


def make_shelf(reactor: Any, settings: Settings) -> Shelf:
    """
    The stores, none of them opened yet.

    :raises ConfigError: when one of them makes no sense.
    """
    makers = installed_stores().values()
    stores = []
    try:
        for description in settings.store:
            maker, store = open_store(reactor, description, makers)
            schemes = frozenset({maker.kind, *maker.schemes})
            stores.append(ShelvedStore(description.name, store, schemes, maker.foreign))
        return Shelf(stores)
    except (BadStore, ValueError) as error:
        raise ConfigError(str(error)) from error


def make_authenticator(reactor: Any, settings: Settings) -> IAuthenticator:
    """
    Whoever finds out who asks, not started yet.

    :raises ConfigError: when it makes no sense.
    """
    makers = installed_authenticators().values()
    try:
        return open_authenticator(reactor, parse(settings.auth), makers)
    except (BadAuthenticator, BadDescription) as error:
        raise ConfigError(f"--auth {error}") from error


def make_notifiers(reactor: Any, settings: Settings) -> Notifiers:
    """
    Those who are told what happens to images, not started yet.

    :raises ConfigError: when one of them makes no sense.
    """
    makers = installed_notifiers().values()
    try:
        notifiers = [open_notifier(reactor, parse(text), makers) for text in settings.notify]
    except (BadNotifier, BadDescription) as error:
        raise ConfigError(f"--notify {error}") from error
    return Notifiers(reactor, notifiers, settings.drain)


def make_recognition(settings: Settings, policy: Policy) -> Recognition:
    """What becomes of those who were found out."""
    return Recognition(
        admin_role=settings.admin_role,
        owner_is_tenant=settings.owner_is_tenant,
        allow_anonymous_access=settings.allow_anonymous_access,
        context_is_admin=policy.is_admin,
    )


def make_cache(
    reactor: Any, settings: Settings, shelf: Shelf, hashing: Threads
) -> ImageCache | None:
    """
    The cache of images, not started yet, or None when the operator wants none.

    :raises ConfigError: when images of a store are to bypass it that is not there.
    """
    unknown = set(settings.image_cache_bypass) - {shelved.name for shelved in shelf}
    if unknown:
        raise ConfigError(f"image_cache_bypass: there is no store {min(unknown)!r}")
    given = settings.image_cache_dir
    is_wanted = given is not None if settings.cache is None else settings.cache
    if not is_wanted:
        return None
    directory = str(settings.data / "cache") if given is None else given
    stall_time = settings.image_cache_stall_time
    return ImageCache(reactor, directory, settings.image_cache_max_size, stall_time, hashing)


def make_deletions(
    settings: Settings,
    registry: IRegistry,
    shelf: Shelf,
    transfers: Transfers,
    announce: Announcements | None = None,
) -> Deletions:
    """Deletions, delayed or not, and announced to those who are notified, if to anybody."""
    scrub_time = min(settings.scrub_time, FOR_EVER) if settings.delayed_delete else None
    return Deletions(registry, shelf, transfers, scrub_time, announce or Announcements())


def make_janitor(
    clock: Any, settings: Settings, registry: IRegistry, shelf: Shelf, deletions: Deletions
) -> Janitor:
    """A janitor, who scrubs at times of his own when deletions are delayed."""
    wakeup_time = settings.wakeup_time if settings.delayed_delete else None
    interval = settings.transfer_lease / 3
    return Janitor(clock, registry, shelf, deletions, interval, wakeup_time)


def make_comparison(
    clock: Any, settings: Settings, registry: IRegistry, pace: Pace, safe_age: float | None = None
) -> tuple[Comparison, Orphans]:
    """What compares stores with records, and what removes orphans."""
    surveyed = ISurveyedRegistry(registry)
    age = settings.orphan_age if safe_age is None else safe_age
    comparison = Comparison(clock, surveyed, age, pace)
    return comparison, Orphans(comparison, registry)


def make_tending(
    clock: Any, settings: Settings, registry: IRegistry, shelf: Shelf, janitor: Janitor
) -> IService:
    """What one process does for the whole daemon: a janitor, and who compares now and then."""
    tending = MultiService()
    tending.addService(janitor)
    if settings.orphan_interval and ISurveyedRegistry.providedBy(registry):
        pace = Pace(clock, COMPARED_EACH_SECOND)
        comparison, orphans = make_comparison(clock, settings, registry, pace)
        surveyed, interval = ISurveyedRegistry(registry), settings.orphan_interval
        tending.addService(Comparing(clock, surveyed, shelf, comparison, orphans, interval))
    return IService(tending)
