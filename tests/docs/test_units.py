"""The units for systemd say what the daemon understands."""

import re
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.description import parse
from glancetx.options import Options

UNITS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "systemd"


class UnitTests(SynchronousTestCase):
    """docs/examples/systemd"""

    def setting(self, unit, name):
        """The last value of a setting."""
        return re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)[-1]

    def options(self):
        """What the daemon is told, with a configuration that is here."""
        config = Path(self.mktemp())
        config.write_text('data = "/var/lib/glancetx"\n')
        command = shlex.split(self.setting("glance.service", "ExecStart"))
        arguments = command[command.index("glance") + 1 :]
        arguments[arguments.index("--config") + 1] = str(config)
        options = Options()
        options.parseOptions(arguments)
        return options.settings

    def test_command(self):
        """The daemon keeps its data in the unit's directory, and listens to the unit's socket."""
        settings = self.options()
        directory = self.setting("glance.service", "StateDirectory")
        self.assertEqual(settings.data, Path("/var/lib") / directory)
        [endpoint] = map(parse, settings.listen)
        self.assertEqual(endpoint.kind, "systemd")
        name = self.setting("glance.socket", "FileDescriptorName")
        self.assertEqual(endpoint.options["name"], name)

    def test_time_to_stop(self):
        """systemd waits for longer than the daemon may take by default."""
        seconds = float(self.setting("glance.service", "TimeoutStopSec"))
        settings = self.options()
        self.assertGreaterEqual(seconds, settings.drain + settings.drain_notice + 60)
