"""What most commands work on: an installation whose daemons may be running."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred

from glancetx.command.base import CommandError, Output
from glancetx.config import ConfigError, Settings, read_settings
from glancetx.deferreds import as_deferred
from glancetx.errors import GlanceError
from glancetx.interfaces import IRegistry
from glancetx.live_registry import LiveRegistry
from glancetx.parts import make_shelf
from glancetx.registry.embedded import EmbeddedFailure
from glancetx.registry.migrate import SchemaMismatch
from glancetx.shelf import Shelf

#: The exit status of a command that was interrupted, as of a shell's.
INTERRUPTED = 130

Work = Callable[["Installation", argparse.Namespace, Output], Awaitable[None]]


class Installation:
    """
    An installation, as its configuration tells.

    ``reactor`` runs; ``shelf`` holds the stores, none of which is started.
    """

    def __init__(self, reactor: Any, settings: Settings) -> None:
        """
        :raises ConfigError: when a store makes no sense.
        """
        self.reactor = reactor
        self.settings = settings
        self.shelf: Shelf = make_shelf(reactor, settings)
        self._source = LiveRegistry(reactor, settings.registry, settings.data)

    async def registry(self) -> IRegistry:
        """
        The registry, opened; to be asked for once.

        :raises ConfigError, EmbeddedFailure, SchemaMismatch, RegistryUnavailable: when it cannot
            be reached.
        """
        return await self._source.open()

    @asynccontextmanager
    async def open_stores(self) -> AsyncIterator[Shelf]:
        """The stores, running as long as this lasts."""
        services = [IService(each.store) for each in self.shelf if IService.providedBy(each.store)]
        for service in services:
            service.startService()
        try:
            yield self.shelf
        finally:
            for service in services:
                await maybeDeferred(service.stopService)

    async def close(self) -> None:
        """Let go of the registry."""
        await self._source.close()


def on_installation(work: Work) -> Callable[[argparse.Namespace, Output], None]:
    """
    What `Command.run` is for a command that works on an installation.

    ``work`` is cancelled when the command is interrupted.
    """

    def run(given: argparse.Namespace, output: Output) -> None:
        from twisted.internet.task import react

        react(lambda reactor: _run(reactor, work, given, output))

    return run


async def _run(reactor: Any, work: Work, given: argparse.Namespace, output: Output) -> None:
    try:
        installation = Installation(reactor, _settings(given))
        try:
            await _interruptible(reactor, as_deferred(work(installation, given, output)))
        finally:
            await installation.close()
    except (CommandError, ConfigError, EmbeddedFailure, GlanceError, SchemaMismatch) as error:
        raise SystemExit(f"glancetx: {error}") from None
    except CancelledError:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read it has seen enough.
        raise SystemExit(1) from None
    if output.has_failed:
        raise SystemExit(1)


async def _interruptible(reactor: Any, working: Deferred[None]) -> None:
    """Wait for the work, and cancel it when the process is told to end."""
    ended: Deferred[None] = Deferred()

    def end() -> Deferred[None] | None:
        if working.called:
            return None
        working.cancel()
        return ended

    reactor.addSystemEventTrigger("before", "shutdown", end)
    try:
        await working
    finally:
        ended.callback(None)


def _settings(given: argparse.Namespace) -> Settings:
    names = ("data", "registry", "store")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return read_settings(options, given.config)
