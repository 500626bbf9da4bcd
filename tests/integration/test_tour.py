"""The tour of the README does what it promises, word for word."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

import tests
from tests.integration.daemon import folder, run, start

#: The port of the tour, which the tests replace by that of their own daemon.
GLANCE = "GLANCE=http://127.0.0.1:9292"


def readme():
    """The README beside the tests, wherever these were linked to."""
    return (Path(tests.__file__).resolve().parents[1] / "README.md").read_text()


def commands(text):
    """
    The blocks of commands between the marks of the tour, in order.

    :raises ValueError: when there are none, or none of them says where the daemon is.
    """
    tour = re.search(r"<!-- tour: begin -->(.*?)<!-- tour: end -->", text, re.DOTALL)
    if tour is None:
        raise ValueError("there is no tour")
    blocks = re.findall(r"^```(?:bash|sh)\n(.*?)^```$", tour[1], re.DOTALL | re.MULTILINE)
    if not blocks or not blocks[0].startswith(f"{GLANCE}\n"):
        raise ValueError(f"the tour does not begin with {GLANCE}")
    return blocks


class ExtractionTests(SynchronousTestCase):
    """The tour is found, or the tests fail."""

    def test_blocks_in_order(self):
        """Only what is fenced between the marks is a command."""
        text = (
            "```bash\nno\n```\n<!-- tour: begin -->\n```bash\n"
            f"{GLANCE}\n```\nwords\n```bash\ncurl \\\n  $GLANCE\n```\n<!-- tour: end -->\n"
        )
        self.assertEqual(commands(text), [f"{GLANCE}\n", "curl \\\n  $GLANCE\n"])

    def test_nothing_found(self):
        """Without marks, blocks, or the address of the daemon there is no tour."""
        for text in (
            "```bash\nls\n```",
            "<!-- tour: begin -->\nwords\n<!-- tour: end -->",
            "<!-- tour: begin -->\n```bash\ncurl\n```\n<!-- tour: end -->",
        ):
            self.assertRaises(ValueError, commands, text)


class TourTests(TestCase):
    """Somebody pastes the tour into a shell."""

    timeout = 120

    async def test_tour(self):
        """Every command succeeds, and says what the text around it says."""
        daemon = await start(self)
        script = "".join(commands(readme())).replace(GLANCE, f"GLANCE={daemon.url}", 1)
        self.assertNotIn("9292", script)
        # curl by itself does not mind an error's status.
        strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
        place = folder(self)
        said = (await run(self, "/bin/bash", "-c", strict + script, cwd=place).succeeds()).decode()
        self.assertIn('"status": "active"', said)
        self.assertIn("X-Image-Meta-Name: tour", said)
        self.assertIn("X-Image-Meta-Property-Os_distro: debian", said)
        self.assertIn('"name": "grand tour"', said)
        self.assertEqual(list(place.iterdir()), [])
        self.assertEqual(daemon.files(), [])
        daemon.assert_quiet()
