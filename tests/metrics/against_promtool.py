"""
What Prometheus itself says of the metrics of a real daemon, and of the alerts.

Not named ``test_*``, so that other runs do without Prometheus' tool, of Debian's prometheus.
"""

import shutil
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import call, folder
from tests.metrics.traffic import scrape, start_watched, traffic

ALERTS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "alerts.yml"


def promtool(*arguments, **details):
    """The status of the tool and all that it says, which is nothing when all is well."""
    done = call(shutil.which("promtool") or "promtool", "check", *arguments, **details)
    return done.returncode, done.stdout + done.stderr


class PromtoolTests(TestCase):
    """``promtool check``"""

    timeout = 240

    async def test_metrics(self):
        """It finds nothing to complain of in what two workers tell after real traffic."""
        config = folder(self) / "glance.toml"
        config.write_text("cache = true\n")
        options = ("--workers", "2", "--config", config)
        daemon, port = await start_watched(self, *options)
        await traffic(daemon, rounds=8)
        text = await scrape(port)
        self.assertEqual(text.count("# TYPE glancetx_http_requests_total counter"), 1)
        found = await deferToThread(promtool, "metrics", input=text)
        self.assertEqual(found, (0, ""))

    def test_it_can_fail(self):
        """It would complain of a counter whose name is wrong."""
        status, said = promtool("metrics", input="# TYPE glancetx_x counter\nglancetx_x 1\n")
        self.assertNotEqual((status, said), (0, ""))

    def test_alerts(self):
        """It understands all alerts."""
        status, said = promtool("rules", str(ALERTS))
        self.assertEqual(status, 0, said)
