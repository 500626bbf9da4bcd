"""``glancetx import-glance``: images of a Glance whose place we take, bytes where they are."""

from __future__ import annotations

import argparse
from typing import Any

from attrs import asdict

from glancetx.command.base import Command, CommandError, Output
from glancetx.command.installation import Installation, on_installation, running
from glancetx.glance_import.importer import Importer, Report
from glancetx.glance_import.locations import Locations, read_rule
from glancetx.registry.postgres import PostgresRegistry
from glancetx.threads import Threads


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--from",
        dest="source",
        metavar="DATABASE",
        required=True,
        help="Glance's database: mysql://…, postgresql://…, sqlite:////PATH, or the path of its "
        "glance-api.conf, which says so",
    )
    add(
        "--map",
        metavar="URL=STORE",
        action="append",
        default=[],
        help="what Glance has below this URL, written without credentials, is in this store of "
        "ours; may be repeated, as in --map file:///var/lib/glance/images=main",
    )
    add("--dry-run", action="store_true", help="only tell what would be imported, and what not")
    add("--no-check", action="store_true", help="do not look whether the bytes are there")


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    try:
        from glancetx.glance_import import source
    except ImportError:
        raise CommandError(
            "SQLAlchemy is missing, which reads Glance's database: pip install 'glancetx[import]'"
        ) from None
    try:
        rules = [read_rule(text) for text in given.map]
        locations = Locations(installation.shelf, rules)
        url = source.database_url(given.source)
    except (ValueError, source.SourceError) as error:
        raise CommandError(str(error)) from None
    registry = await installation.registry()
    if not isinstance(registry, PostgresRegistry):
        raise CommandError("images can be imported into a registry in PostgreSQL only")
    checks = not given.no_check
    importer = Importer(registry, installation.shelf, locations, given.dry_run, checks)
    async with installation.open_stores():
        try:
            await _take_all(installation.reactor, source, url, importer)
        except source.SourceError as error:
            # What was imported stays, and is known when somebody tries again.
            output.fail(str(error))
    _show(importer.report, given.dry_run, output)


async def _take_all(reactor: Any, source: Any, url: Any, importer: Importer) -> None:
    """Read in one thread, for the driver blocks, and import page by page."""
    threads = Threads(reactor, "glance", 1)
    opened = source.opened(url)
    async with running(threads):
        database = await threads.run(opened.__enter__)
        try:
            page = await threads.run(database.page)
            while page:
                for found in page:
                    await importer.take(found)
                page = await threads.run(database.page, page[-1].id)
        finally:
            await threads.run(opened.__exit__, None, None, None)


def _show(report: Report, is_dry: bool, output: Output) -> None:
    word = "would import" if is_dry else "imported"
    for image_id in report.new:
        output.line(f"{word} {image_id}")
    for remark in report.remarks:
        output.line(f"remark {remark.id}: {remark.error}")
    for remark in report.left:
        output.fail(f"{remark.id}: {remark.error}")
    output.line(
        f"{word} {len(report.new)} images; {len(report.already)} were here already, "
        f"{len(report.left)} were left, and {report.tags} tags"
    )
    output.object(
        {
            "new" if is_dry else "imported": report.new,
            "already": report.already,
            "failed": [asdict(remark) for remark in report.left],
            "remarks": [asdict(remark) for remark in report.remarks],
            "tags": report.tags,
        }
    )


COMMAND = Command(
    "import-glance",
    "take over the images of a Glance; their bytes stay where they are",
    on_installation(_work),
    _arguments,
    "Reads the database of a Glance, of Havana or later, and records its images here, with their "
    "ids, owners, members, properties and times; deleted ones too, so that their ids stay taken. "
    "May be repeated: what is here already stays as it is.",
)
