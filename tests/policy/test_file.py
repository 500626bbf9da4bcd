"""Policy files in the forms that operators have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Caller, Identity
from glancetx.policy.enforcer import Policy
from glancetx.policy.file import BadPolicy, read_rules

#: As old installations have it, but for its length.
OLD_JSON = b"""{
\t"context_is_admin":  "role:admin",
\t"default": "role:admin",
\t"owner": [["tenant:%(owner)s"], ["rule:context_is_admin"]],
\t"get_images": "",
\t"download_image": "rule:owner"
}
"""
#: As new ones have it.
NEW_YAML = b"""
# Get image details
"get_image": "role:admin or (role:reader and (project_id:%(owner)s or 'public':%(visibility)s))"
get_images: >-
  role:reader
  or role:admin
get_members:
- role:reader
- - role:member
  - user_id:u2
"""


def member(*roles):
    return Caller(identity=Identity(user="u", project="t1", roles=frozenset(roles)), owner="t1")


class FormatTests(SynchronousTestCase):
    """Files that are understood."""

    def policy(self, content):
        rules = read_rules(content)
        return Policy(lambda: rules)

    def test_json(self):
        """JSON, also with tabs and lists."""
        policy = self.policy(OLD_JSON)
        self.assertTrue(policy.allows("get_images", member()))
        self.assertFalse(policy.allows("get_image", member()))
        self.assertTrue(policy.allows("get_image", member("admin")))
        self.assertTrue(policy.allows("download_image", member(), {"owner": "t1"}))
        self.assertFalse(policy.allows("download_image", member(), {"owner": "t2"}))

    def test_yaml(self):
        """YAML; what it leaves out is as shipped."""
        policy = self.policy(NEW_YAML)
        self.assertTrue(policy.allows("get_images", member("reader")))
        self.assertFalse(policy.allows("get_image", member("reader")))
        self.assertTrue(policy.allows("get_members", member("reader")))
        self.assertFalse(policy.allows("get_members", member("member")))
        self.assertTrue(policy.allows("delete_image", member()))
        self.assertFalse(policy.allows("publicize_image", member()))

    def test_nothing(self):
        """A file with comments only changes nothing, and neither does a byte order mark."""
        for content in (b"", b"# get_images: '!'\n", b"{}", b"\xef\xbb\xbf{}"):
            self.assertTrue(self.policy(content).allows("get_images", member()))

    def test_admins(self):
        """The rule context_is_admin makes admins, by what is known of somebody."""
        policy = self.policy(b"context_is_admin: role:boss or user_id:root or is_admin:True")
        for identity, is_admin in {
            Identity(roles=frozenset({"boss"})): True,
            Identity(user="root"): True,
            Identity(user="u", roles=frozenset({"member"})): False,
            Identity(): False,
        }.items():
            self.assertIs(policy.is_admin(identity), is_admin)


class RefusalTests(SynchronousTestCase):
    """Files that are not."""

    def test_refused(self):
        """Each mistake has a sentence."""
        for content, words in {
            b"a: [": "neither YAML nor JSON: see line 1",
            b"a: b\n\tc: d": "neither YAML nor JSON: see line 2",
            b"!!python/object:os.system {}": "neither YAML nor JSON",
            b"[1, 2]": "must map names to rules",
            b"5": "must map names to rules",
            b"\xff": "not UTF-8",
            b"get_image:": "the rule 'get_image' must be a text or a list, not None",
            b"get_image: http://x": "other servers are not asked",
            b"on: '@'": "the name True",
        }.items():
            self.assertIn(words, str(self.assertRaises(BadPolicy, read_rules, content)))
