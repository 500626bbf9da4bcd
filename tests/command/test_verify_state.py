"""Where a verification got to is kept, and believed only as far as it goes."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.command.base import CommandError
from glancetx.command.verify_state import State, StateFile
from glancetx.usecases.verification import Flaw

SELECTION = {"store": None, "since": None}


def flaw(image_id):
    return Flaw(id=image_id, store="file", error="md5 0 instead of 1")


class StateFileTests(SynchronousTestCase):
    """One file, and those who use it one after the other."""

    def setUp(self):
        self.path = Path(self.mktemp())

    def open(self, selection=SELECTION, *, anew=False):
        self.file = StateFile(self.path)
        self.addCleanup(self.file.close)
        return self.file.open(selection, anew=anew)

    def leave(self, state):
        self.open(state.selection)
        self.file.save(state)
        self.file.close()

    def test_fresh(self):
        """Without a file it begins at the beginning."""
        self.assertEqual(self.open(), State(SELECTION))

    def test_goes_on(self):
        """What was saved is where the next one goes on, with what was found before that."""
        self.leave(State(SELECTION, "m", 7, 70, [flaw("a"), flaw("z")]))
        self.assertEqual(self.open(), State(SELECTION, "m", 7, 70, [flaw("a")]))

    def test_of_others(self):
        """What was left by a verification of other images does not count; nor if one says so."""
        self.leave(State({**SELECTION, "store": "file"}, "m", 7))
        self.assertEqual(self.open(), State(SELECTION))
        self.file.close()
        self.leave(State(SELECTION, "m", 7))
        self.assertEqual(self.open(anew=True), State(SELECTION))

    def test_removed(self):
        """When everything is verified nothing is left to go on with."""
        self.leave(State(SELECTION, "m", 7))
        self.open()
        self.file.remove()
        self.file.remove()
        self.file.close()
        self.assertEqual(self.open(), State(SELECTION))

    def test_two_at_once(self):
        """A second one is told so."""
        self.open()
        other = StateFile(self.path)
        self.addCleanup(other.close)
        error = self.assertRaises(CommandError, other.open, SELECTION, anew=False)
        self.assertIn("give this one its own with --state", str(error))

    def test_nonsense(self):
        """What cannot be one is not taken for one."""
        for text in "", "{", "[]", "{}", '{"selection": {}, "flaws": [1], "after": ""}':
            self.path.write_text(text)
            file = StateFile(self.path)
            error = self.assertRaises(CommandError, file.open, SELECTION, anew=False)
            self.assertIn("--restart", str(error))
            file.close()

    def test_no_place(self):
        """A place that does not exist is said in a sentence."""
        file = StateFile(self.path / "none")
        error = self.assertRaises(CommandError, file.open, SELECTION, anew=False)
        self.assertIn("cannot be used: No such file", str(error))
