"""The store whose disk hangs now and then, for the daemon of `tests.chaos`."""

from glancetx.plugins import Option, StoreMaker

hanging = StoreMaker(
    "hanging",
    "hanging_store.HangingStore",
    "keeps images as files below a directory, on a disk that hangs while there is a file",
    options=(
        Option("directory", "where they are", positional=True),
        Option("while", "the file while which everything hangs"),
    ),
)
