"""``glancetx images``: all images, whosever they are."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve

from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, on_installation
from glancetx.command.words import age, one_line, size_text, time_text
from glancetx.image import Image, Status
from glancetx.interfaces import ISurveyedRegistry
from glancetx.survey import Surveyed, SurveyQuery

#: How many images are read at once.
PAGE = 500


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    words = [status.value for status in Status]
    add(
        "--status",
        action="append",
        choices=words,
        metavar="STATUS",
        help=f"one of {', '.join(words)}; may be repeated [all but deleted]",
    )
    add("--owner", help="whose they are")
    add("--name", help="what they are called")
    add("--store", dest="in_store", metavar="NAME", help="where their bytes are")
    add("--older-than", type=age, metavar="AGE", help="not changed for 90 (seconds), 15m, 12h, 7d")


def query_of(given: argparse.Namespace) -> SurveyQuery:
    """What the options ask for."""
    states = [Status(word) for word in given.status or ()]
    before = None
    if given.older_than is not None:
        before = datetime.now(UTC) - timedelta(seconds=given.older_than)
    return SurveyQuery(
        states=states or [each for each in Status if each is not Status.DELETED],
        owner=given.owner,
        name=given.name,
        store=given.in_store,
        changed_before=before,
        limit=PAGE,
    )


async def all_of(registry: ISurveyedRegistry, query: SurveyQuery) -> AsyncGenerator[Surveyed, None]:
    """All images that a query asks for, of which no more than a page is in memory."""
    while page := await registry.survey(query):
        for surveyed in page:
            yield surveyed
        if len(page) < query.limit:
            return
        query = evolve(query, after=page[-1].image.image_id)


def as_object(surveyed: Surveyed) -> dict[str, Any]:
    """An image for programs; of locations only the stores are told."""
    image = surveyed.image
    return {
        "id": image.image_id,
        "status": image.status.value,
        "status_reason": image.status_reason,
        "name": image.name,
        "owner": image.owner,
        "visibility": image.visibility.value,
        "size": image.size,
        "transferred": image.transferred,
        "checksum": image.checksum,
        "stores": [location.store for location in image.locations],
        "created_at": time_text(image.created_at),
        "updated_at": time_text(image.updated_at),
        "deleted_at": None if image.deleted_at is None else time_text(image.deleted_at),
        "lease_left": surveyed.lease_left,
    }


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    registry = await installation.registry()
    images = all_of(registry, query_of(given))
    if output.is_json:
        await _show_objects(images)
        return
    async for surveyed in images:
        output.line(_line(surveyed.image))


async def _show_objects(images: AsyncGenerator[Surveyed, None]) -> None:
    """One object, written as it comes, with a line for each image."""
    before = '{"images": [\n'
    async for surveyed in images:
        print(before + json.dumps(as_object(surveyed)), end="")
        before = ",\n"
    print('{"images": []}' if before != ",\n" else "\n]}")


def _line(image: Image) -> str:
    stores = ",".join(location.store for location in image.locations) or "-"
    words = [
        image.image_id,
        f"{image.status.value:14}",
        f"{size_text(image.size):>10}",
        time_text(image.updated_at),
        stores,
        image.owner or "-",
        image.name or "-",
    ]
    if image.status_reason:
        words.append(f"({image.status_reason})")
    return one_line("  ".join(words))


COMMAND = Command(
    "images",
    "list images, whosever they are",
    on_installation(_work),
    _arguments,
    "Lists images in the order of their ids: id, status, size, time of the last change, stores, "
    "owner, name, and why the status is what it is. Keys of locations are never shown.",
)
