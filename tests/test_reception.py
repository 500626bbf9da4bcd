"""Settings → how clients are received."""

from __future__ import annotations

import resource
from pathlib import Path

from attrs import evolve, fields_dict
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx import share
from glancetx.config import ConfigError, Settings, make_settings, read_settings
from glancetx.limits import Traffic
from glancetx.reception import make_reception
from glancetx.share import WHOLE
from tests.web.api import UNLIMITED


class SettingsTests(SynchronousTestCase):
    """What an operator says, and what it comes to."""

    def test_defaults(self) -> None:
        """R21, R27: every limit is on."""
        settings = read_settings({})
        self.assertEqual(settings.traffic, Traffic())
        self.assertTrue(all(getattr(settings.traffic, name) for name in fields_dict(Traffic)))
        self.assertEqual(settings.limits.image_count_total, 10_000)
        self.assertEqual(settings.trusted_proxies, ())

    def test_file(self) -> None:
        """Each can be set, and lifted."""
        path = Path(self.mktemp())
        path.write_text("\n".join(f"{name} = 0" for name in fields_dict(Traffic)))
        self.assertEqual(read_settings({}, str(path)).traffic, UNLIMITED)

    def test_workers(self) -> None:
        """Workers divide what there is, never to nothing, and never lift a limit by dividing."""
        traffic = Traffic(max_connections=3, max_transfers=0, max_copies=1)
        share = traffic.divided(2)
        self.assertEqual(
            (share.max_connections, share.max_transfers, share.max_copies),
            (2, 0, 1),
        )
        self.assertEqual(share.client_header_timeout, traffic.client_header_timeout)
        self.assertEqual(share.request_rate, traffic.request_rate)
        self.assertEqual(traffic.divided(1), traffic)


class ReceptionTests(SynchronousTestCase):
    """Mistakes, and what the system allows."""

    def settings(self, **values: object) -> Settings:
        return make_settings({"data": "/data", **values})

    def test_mistakes(self) -> None:
        """Who cannot be meant is told."""
        for values, words in (
            ({"trusted_proxies": ["proxy.example"]}, "'proxy.example' is not an address"),
            ({"trusted_proxies": ["0.0.0.0/0"]}, "would believe everybody"),
            ({"proxy_headers": "via"}, "must be x-forwarded or forwarded"),
        ):
            error = self.assertRaises(ConfigError, make_reception, self.settings(**values), WHOLE)
            self.assertIn(words, str(error))

    def test_turns_of_receivers(self) -> None:
        """Clients that send bring as much as the threads of this process can hash."""
        self.patch(share, "cores", lambda: 16)
        reception = make_reception(self.settings(), evolve(WHOLE, workers=2))
        self.assertEqual(reception.site(None, Clock()).receivers.turns, 2 * 8)

    def test_open_files(self) -> None:
        """As many files may be open as connections may need."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        reception = make_reception(self.settings(max_connections=200), WHOLE)
        reception.site(None, Clock())
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2 * 200 + 512)
        evolve(reception, traffic=UNLIMITED).site(None, Clock())
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)
