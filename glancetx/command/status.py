"""``glancetx status``: whether all is well, in a page."""

from __future__ import annotations

import argparse
from typing import Any

from glancetx.command.base import Command, Output
from glancetx.command.images import all_of
from glancetx.command.installation import Installation, on_installation
from glancetx.command.words import seconds_text, size_text
from glancetx.errors import GlanceError
from glancetx.image import Status
from glancetx.interfaces import IListedStore, IProbed, IStore
from glancetx.registry.migrate import plan
from glancetx.registry.postgres import PostgresRegistry
from glancetx.shelf import ShelvedStore
from glancetx.survey import Surveyed, SurveyQuery

#: Images whose bytes are on their way.
_COMING = frozenset({Status.QUEUED, Status.SAVING})

#: A lease that has run out so many seconds ago should have been noticed by a janitor; those of
#: deleted images are looked for less often.
PATIENCE = 60.0


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    database = await installation.database()
    schema = await plan(database)
    answer: dict[str, Any] = {
        "schema": schema.name,
        "missing": [each.name for each in schema.expand],
        "waiting": [each.name for each in schema.contract],
    }
    output.line(f"registry  reachable, at {answer['schema'] or 'nothing'}")
    for name in answer["missing"]:
        output.line(f"          {name} is missing: see glancetx db")
    for name in answer["waiting"]:
        output.line(f"          {name} waits until no older daemon is left: see glancetx db")
    async with installation.open_stores() as shelf:
        answer["stores"] = [await _look_at(shelved, output) for shelved in shelf]
    if not answer["missing"]:
        wakeup_time = installation.settings.wakeup_time
        answer |= await _images(PostgresRegistry(database), wakeup_time, output)
    output.object(answer)


async def _look_at(shelved: ShelvedStore, output: Output) -> dict[str, Any]:
    free = error = None
    is_probed, is_listed = (each.providedBy(shelved.store) for each in (IProbed, IListedStore))
    try:
        if is_probed:
            await IProbed(shelved.store).check_ready()
        if is_listed:
            free = await IListedStore(shelved.store).free_space()
    except GlanceError as trouble:
        error = str(trouble)
    is_known = is_probed or is_listed
    is_reachable = error is None if is_known else None
    if error is not None:
        output.fail(f"the store {shelved.name}: {error}")
    elif is_known:
        room = "" if free is None else f", {size_text(free)} free"
        output.line(f"store     {shelved.name}: reachable{room}")
    else:
        takes = "cannot tell" if IStore.providedBy(shelved.store) else "only gives"
        output.line(f"store     {shelved.name}: {takes}")
    return {"name": shelved.name, "reachable": is_reachable, "free": free, "error": error}


async def _images(registry: PostgresRegistry, wakeup_time: float, output: Output) -> dict[str, Any]:
    totals = {each.status: each for each in await registry.totals()}
    for status in Status:
        if status in totals:
            total = totals[status]
            output.line(f"images    {total.count} {status.value}, {size_text(total.size)}")
    transfers, overdue = [], []
    async for surveyed in all_of(registry, SurveyQuery(is_leased=True)):
        left = surveyed.lease_left or 0.0
        if left < 0:
            is_going = surveyed.image.status is Status.PENDING_DELETE
            patience = PATIENCE + (wakeup_time if is_going else 0)
            overdue.append(_overdue(surveyed, -left, patience, output))
        elif surveyed.image.status in _COMING:
            transfers.append(_transfer(surveyed, left, output))
    return {
        "images": {
            status.value: {"count": total.count, "size": total.size}
            for status, total in totals.items()
        },
        "transfers": transfers,
        "overdue": overdue,
    }


def _transfer(surveyed: Surveyed, left: float, output: Output) -> dict[str, Any]:
    image = surveyed.image
    whole = f" of {size_text(image.size)}" if image.size else ""
    output.line(
        f"transfer  {image.image_id} {image.status.value}: "
        f"{size_text(image.transferred)}{whole}, lease for another {seconds_text(left)}"
    )
    return {
        "id": image.image_id,
        "status": image.status.value,
        "transferred": image.transferred,
        "size": image.size or None,
        "lease_left": left,
    }


def _overdue(surveyed: Surveyed, since: float, patience: float, output: Output) -> dict[str, Any]:
    image = surveyed.image
    sentence = f"{image.image_id} {image.status.value}: overdue for {seconds_text(since)}"
    if since > patience:
        output.fail(sentence)
    else:
        output.line(f"overdue   {sentence}")
    return {"id": image.image_id, "status": image.status.value, "overdue_for": since}


COMMAND = Command(
    "status",
    "tell whether registry and stores are reachable, and what is going on",
    on_installation(_work),
    description="Tells whether registry and stores are reachable, how many images there are, which "
    "transfers run, and what should have been cleared up and was not; then, or when a store is out "
    "of reach, the exit status is 1.",
)
