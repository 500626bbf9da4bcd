"""What most commands work on: an installation whose daemons may be running."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred

from glancetx.clocks import keep_steady
from glancetx.command.base import CommandError, Output
from glancetx.config import ConfigError, Settings, read_settings
from glancetx.deferreds import as_deferred
from glancetx.errors import GlanceError
from glancetx.live_registry import LiveRegistry
from glancetx.parts import make_shelf
from glancetx.registry.database import Database
from glancetx.registry.embedded import EmbeddedFailure
from glancetx.registry.migrate import SchemaMismatch
from glancetx.registry.postgres import PostgresRegistry
from glancetx.shelf import Shelf, ShelvedStore

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

    async def registry(self) -> PostgresRegistry:
        """
        The registry, opened; either this or `database` is to be asked for, and once.

        :raises ConfigError, EmbeddedFailure, SchemaMismatch, RegistryUnavailable: when it cannot
            be reached, or has another schema than we know.
        """
        return await self._source.open()

    async def database(self) -> Database:
        """
        The registry's database, whatever its schema.

        :raises ConfigError, EmbeddedFailure: when there is none.
        """
        return await self._source.connect()

    def chosen(self, name: str | None) -> list[ShelvedStore]:
        """
        The stores that were asked for: one by its name, or all.

        :raises CommandError: when there is none of this name.
        """
        found = [each for each in self.shelf if name in (None, each.name)]
        if not found:
            names = ", ".join(each.name for each in self.shelf)
            raise CommandError(f"there is no store {name!r}, but {names}")
        return found

    @asynccontextmanager
    async def open_stores(self) -> AsyncIterator[Shelf]:
        """The stores, running as long as this lasts."""
        async with AsyncExitStack() as stack:
            for shelved in self.shelf:
                if IService.providedBy(shelved.store):
                    await stack.enter_async_context(running(IService(shelved.store)))
            yield self.shelf

    async def close(self) -> None:
        """Let go of the registry."""
        await self._source.close()


@asynccontextmanager
async def running(service: IService) -> AsyncIterator[None]:
    """A service that runs as long as this lasts."""
    service.startService()
    try:
        yield
    finally:
        await maybeDeferred(service.stopService)


def on_installation(work: Work) -> Callable[[argparse.Namespace, Output], None]:
    """
    What `Command.run` is for a command that works on an installation.

    ``work`` is cancelled when the command is interrupted.
    """

    def run(given: argparse.Namespace, output: Output) -> None:
        from twisted.internet.task import react

        def begin(reactor: Any) -> Deferred[None]:
            keep_steady(reactor)
            return _interruptible(reactor, _run(reactor, work, given, output))

        react(begin)

    return run


async def _run(reactor: Any, work: Work, given: argparse.Namespace, output: Output) -> None:
    try:
        installation = Installation(reactor, _settings(given))
        try:
            await work(installation, given, output)
        finally:
            await installation.close()
        sys.stdout.flush()
    except (CommandError, ConfigError, EmbeddedFailure, GlanceError, SchemaMismatch) as error:
        raise SystemExit(f"glancetx: {error}") from None
    except CancelledError:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read it has seen enough; Python would try once more to tell him the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    if output.has_failed:
        raise SystemExit(1)


def _interruptible(reactor: Any, work: Awaitable[None]) -> Deferred[None]:
    """The work, which is cancelled when the process is told to end; that waits until it is over."""
    ended: Deferred[None] = Deferred()

    def end() -> Deferred[None] | None:
        if working.called:
            return None
        working.cancel()
        return ended

    def pass_on(result: Any) -> Any:
        ended.callback(None)
        return result

    working = as_deferred(work).addBoth(pass_on)
    reactor.addSystemEventTrigger("before", "shutdown", end)
    return working


def _settings(given: argparse.Namespace) -> Settings:
    names = ("data", "registry", "store")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return read_settings(options, given.config)
