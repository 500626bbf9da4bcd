"""``glancetx deactivate`` and ``reactivate``: images are withdrawn, and given back."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from glancetx.access import OPERATOR, Caller
from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, Work, on_installation
from glancetx.command.outcome import Failed, Outcome
from glancetx.errors import GlanceError
from glancetx.image import Image
from glancetx.usecases.activation import Activations

Deed = Callable[[Caller, str], Awaitable[Image]]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image_ids", metavar="IMAGE_ID", nargs="+")


def _each(word: str, choose: Callable[[Activations], Deed]) -> Work:
    """Do it to each of the images that were given."""

    async def work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
        do = choose(Activations(await installation.registry()))
        outcome = Outcome(word)
        for image_id in given.image_ids:
            try:
                await do(OPERATOR, image_id)
            except GlanceError as error:
                outcome.failed.append(Failed(image_id, str(error)))
            else:
                outcome.done.append(image_id)
        outcome.show(output)

    return work


DEACTIVATE = Command(
    "deactivate",
    "let nobody download these images from now on",
    on_installation(_each("deactivated", lambda activations: activations.deactivate)),
    _arguments,
)

REACTIVATE = Command(
    "reactivate",
    "let deactivated images be downloaded again",
    on_installation(_each("reactivated", lambda activations: activations.reactivate)),
    _arguments,
)
