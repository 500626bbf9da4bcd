"""The stores of Acme."""

from glancetx.plugins import Option, StoreMaker

attic = StoreMaker(
    "attic",
    "acme_attic.store.AtticStore",
    "keeps images in the attic",
    options=(
        Option("root", "directory that is the attic; made if it is missing", positional=True),
        Option("threads", "how many files are read and written at the same time", "4"),
    ),
)
