"""Whether what a daemon depends on would serve now, one by one."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from twisted.internet.defer import CancelledError, TimeoutError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.deferreds import as_deferred
from glancetx.errors import GlanceError
from glancetx.interfaces import IAuthenticator, IProbed, IRegistry
from glancetx.remembered import Remembered
from glancetx.shelf import Shelf

#: Seconds for which an answer is remembered, and for which it is waited: fewer than a supervisor
#: waits for what a worker says of it.
LIFETIME = 2.0
PATIENCE = 1.5

_log = Logger()


@frozen
class Standing:
    """
    How something stands that a daemon depends on; ``trouble`` is None when it is ready.

    Without what ``is_needed`` hardly anything can be served.
    """

    is_needed: bool
    trouble: str | None = None


class Readiness:
    """
    Asks the registry, the authenticator and each store.

    A store that hangs, or does not answer at all, keeps nobody waiting, and is asked once at a
    time.
    Images of other stores than the default one may be missed; the daemon is ready all the same.
    """

    def __init__(
        self,
        clock: IReactorTime,
        registry: IRegistry,
        authenticator: IAuthenticator,
        shelf: Shelf,
    ) -> None:
        self._probes = {
            "registry": _Probe(clock, registry, True),
            "identity": _Probe(clock, authenticator, True),
        }
        for shelved in shelf:
            probe = _Probe(clock, shelved.store, shelved is shelf.default)
            self._probes[f"store {shelved.name}"] = probe

    async def standings(self) -> Mapping[str, Standing]:
        """How each of them stands, by what it is and its name."""
        probes = self._probes.values()
        found = await gatherResults(
            [as_deferred(probe.standing()) for probe in probes], consumeErrors=True
        )
        return dict(zip(self._probes, found, strict=True))

    def stop(self) -> None:
        """Ask nobody any more."""
        for probe in self._probes.values():
            probe.stop()


class _Probe:
    """Asks one of them."""

    def __init__(self, clock: IReactorTime, asked: object, is_needed: bool) -> None:
        self._asked = asked
        self._is_needed = is_needed
        self._trouble = Remembered(clock, self._ask, LIFETIME, PATIENCE)
        self.stop = self._trouble.stop

    async def standing(self) -> Standing:
        try:
            trouble = await self._trouble.get()
        except TimeoutError:
            trouble = "It gives no answer."
        return Standing(self._is_needed, trouble)

    async def _ask(self) -> str | None:
        """What is wrong with it."""
        if not IProbed.providedBy(self._asked):
            return None
        try:
            await IProbed(self._asked).check_ready()
        except GlanceError as error:
            return str(error) or type(error).__name__
        except CancelledError:
            return "It was not asked to the end."
        except Exception:  # noqa: BLE001 - stores are anybody's
            _log.failure("it cannot be told whether something is ready")
            return "It cannot be asked."
        return None
