"""The configuration file and the command line → settings."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.config import ConfigError, read_settings


class WrongValueTests(SynchronousTestCase):
    """Values in a file that cannot be meant."""

    def refused(self, toml):
        """What is said about a file with these lines."""
        path = Path(self.mktemp())
        path.write_text(toml)
        return str(self.assertRaises(ConfigError, read_settings, {}, str(path)))

    def test_wrong_types(self):
        """A value of the wrong kind is named with what it must be."""
        for line in (
            "data = 5",
            'data = "a\\u0000b"',
            "listen = 9292",
            "listen = [9292]",
            'allow_open = "yes"',
            'allow_anonymous_access = "yes"',
            "owner_is_tenant = 0",
            "admin_role = true",
            "workers = 0",
            "workers = 1.5",
            'drain = "60"',
            "drain = true",
            "drain = -1",
            "drain = inf",
            "client_socket_timeout = nan",
            "transfer_lease = 0.5",
            "copy_concurrency = 0",
            "copy_concurrency = 1.5",
            'digests = ["sha256"]',
            'digests = ["md5", "crc"]',
            'digests = ["md5", "shake_128"]',
            "digests = 5",
            "wakeup_time = 0",
            "scrub_time = -1",
            "delayed_delete = 1",
            'user_storage_quota = "1 KB"',
            "user_storage_quota = -1",
            "user_storage_quota = 1.5",
            "user_storage_quota = true",
            'user_storage_quota = "9999999TB"',
            "cache = 1",
            "image_cache_dir = 5",
            'image_cache_max_size = "much"',
            "image_cache_stall_time = -1",
            "image_cache_bypass = [1]",
            "image_size_cap = 1.5",
            "image_size_cap = -1",
            "image_count_total = -1",
            "max_connections = 1.5",
            "max_transfers = -1",
            'request_rate = "200"',
            "request_rate = -0.5",
            "request_rate = nan",
            "request_burst = 1.5",
            "client_header_timeout = -1",
            "trusted_proxies = 10",
            "trusted_proxies = [10]",
            "proxy_headers = 5",
            "image_member_quota = 1.5",
            'image_member_quota = "many"',
            "api_limit_max = -1",
            "limit_param_default = false",
            "disk_formats = [1]",
            "public_endpoint = 5",
            "enable_v1_api = 1",
        ):
            self.assertIn(f"'{line.split()[0]}' must be", self.refused(line))


class QuotaTests(SynchronousTestCase):
    """The quota of an owner."""

    def quota(self, value):
        path = Path(self.mktemp())
        path.write_text(f"user_storage_quota = {value}\n")
        return read_settings({}, str(path)).limits.user_storage_quota

    def test_forms(self):
        """It is a number of bytes or digits with a unit; 0, the default, sets no limit (F-05)."""
        self.assertEqual(self.quota("1024"), 1024)
        self.assertEqual(self.quota('"1KB"'), 1024)
        self.assertEqual(self.quota('"0"'), 0)
        self.assertEqual(read_settings({}).limits.user_storage_quota, 0)


class DigestsTests(SynchronousTestCase):
    """Which digests are computed."""

    def test_given(self):
        """They are those of the file, or else the one that v1 shows and a strong one."""
        path = Path(self.mktemp())
        path.write_text('digests = ["md5", "sha512"]\n')
        self.assertEqual(read_settings({}, str(path)).digests, ("md5", "sha512"))
        path.write_text('digests = "md5"\n')
        self.assertEqual(read_settings({}, str(path)).digests, ("md5",))
        self.assertEqual(read_settings({}).digests, ("md5", "sha256"))
