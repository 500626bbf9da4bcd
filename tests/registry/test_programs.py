"""PostgreSQL's programs are found, and copied to where they can be run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.registry import programs
from glancetx.registry.account import Account
from glancetx.registry.programs import may_reach, programs_for

STRANGER = Account("stranger", 54321, 54321)


class ReachTests(SynchronousTestCase):
    """Who can get where."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "inner").mkdir()

    def test_permissions(self):
        """Each of owner, group and others needs its own permission, for each directory above."""
        state = self.folder.stat()
        owner = Account("owner", state.st_uid, 54321)
        group = Account("group", 54321, state.st_gid)
        for mode, expected in (
            (0o700, (True, False, False)),
            (0o710, (True, True, False)),
            (0o701, (True, False, True)),
            (0o744, (True, False, False)),
        ):
            self.folder.chmod(mode)
            found = tuple(may_reach(a, self.folder / "inner") for a in (owner, group, STRANGER))
            self.assertEqual(found, expected, oct(mode))


class ProgramTests(SynchronousTestCase):
    """The programs themselves."""

    def setUp(self):
        self.cache = Path(tempfile.mkdtemp()) / "a" / "cache"
        self.addCleanup(shutil.rmtree, self.cache.parent.parent)

    def test_our_own(self):
        """For ourselves they are where they were installed."""
        folder = programs_for(None, self.cache)
        self.assertTrue(os.access(folder / "postgres", os.X_OK))
        self.assertFalse(self.cache.exists())

    def test_copied(self):
        """For whom cannot reach them they are copied once, and the copy runs."""
        self.patch(programs, "may_reach", lambda *_: False)
        self.cache.parent.mkdir()
        self.addCleanup(os.umask, os.umask(0o077))
        folder = programs_for(STRANGER, self.cache)
        self.assertTrue(folder.is_relative_to(self.cache))
        for program in "postgres", "initdb":
            said = subprocess.check_output([folder / program, "--version"], text=True)
            self.assertIn(" 18", said)
        (folder / "mark").touch()
        self.assertEqual(programs_for(STRANGER, self.cache), folder)
        self.assertTrue((folder / "mark").exists())
        self.assertEqual(len(os.listdir(self.cache)), 1)
        self.cache.parent.parent.chmod(0o755)
        self.cache.parent.chmod(0o755)
        self.assertTrue(may_reach(STRANGER, folder))
