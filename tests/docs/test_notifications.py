"""The page about notifications is in step with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Caller
from glancetx.arguments import bind
from glancetx.description import parse
from glancetx.image import Image
from glancetx.notification import Event
from glancetx.plugins import installed_notifiers
from glancetx.usecases.announcements import PUBLISHER, Announcements
from tests.told import Told

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notifications.md"
HEAD = "| option | default | meaning |\n|---|---|---|\n"


class PageTests(SynchronousTestCase):
    """What docs/notifications.md shows."""

    def setUp(self) -> None:
        self.page = PAGE.read_text(encoding="utf-8")
        makers: dict[str, Any] = {**installed_notifiers()}
        self.ours = {
            kind: maker for kind, maker in makers.items() if maker.factory.startswith("glancetx.")
        }

    def test_tables(self) -> None:
        """The kind that has options has a table of them."""
        rows = [
            f"| `{option.name}` | {option.default or 'required'} | {option.help} |\n"
            for option in self.ours["webhook"].options
        ]
        table = HEAD + "".join(rows) + "\n"
        self.assertIn(table, self.page, f"there should be\n{table}")

    def test_descriptions(self) -> None:
        """The command lines tell their notifiers what these can be told."""
        found = re.findall(r"--notify (\S+)", self.page)
        self.assertEqual(len(found), 2)
        for text in found:
            description = parse(text)
            bind(description, self.ours[description.kind].options)

    def test_events(self) -> None:
        """Every event is in the table."""
        for event in Event:
            self.assertIn(f"\n| `{event.value}` | ", self.page)

    def test_examples(self) -> None:
        """The examples have the keys of what is sent, in their order."""
        told = Told()
        announce = Announcements([told])
        image = Image(image_id="i")
        announce.activated(image)
        announce.sent(image, Caller(), None, 5, is_whole=True)
        envelope, sent, sentence = map(
            json.loads, re.findall(r"```json\n(.*?)```", self.page, re.S)
        )
        real = told.notifications[0].envelope()
        self.assertEqual(list(envelope), list(real))
        self.assertEqual(list(envelope["payload"]), list(real["payload"]))
        self.assertEqual(list(sent), list(told.of("send")))
        self.assertTrue(sentence.startswith("Failed to upload image "))
        self.assertEqual(envelope["publisher_id"], PUBLISHER)
