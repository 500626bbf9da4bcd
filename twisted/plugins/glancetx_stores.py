"""The stores that come with glancetx."""

from glancetx.plugins import Option, StoreMaker

file = StoreMaker(
    "file",
    "glancetx.stores.file.FileStore",
    "keeps images as files below a directory",
    options=(
        Option("directory", "where they are; made if it is missing", positional=True),
        Option("threads", "how many files are read and written at the same time", "8"),
        Option("sendfile", "whether the kernel may send files by itself: on or off", "on"),
    ),
    schemes=("file", "filesystem"),
)
http = StoreMaker(
    "http",
    "glancetx.stores.http.HttpStore",
    "reads images from web servers, where users say they are",
    options=(
        Option("allow", "what may be asked besides the public internet, by commas", "nothing"),
        Option("ca", "file of certificates (PEM) to trust for https", "the system's"),
        Option("connect", "seconds for a connection, all addresses of a name together", "10"),
        Option("head", "seconds from the lookup of a name to the end of the headers", "30"),
        Option("idle", "seconds between two bytes of an image, while we want more", "60"),
        Option("attempts", "how often a download may go on after its connection broke", "5"),
    ),
    schemes=("http", "https"),
    foreign=True,
)
memory = StoreMaker(
    "memory",
    "glancetx.stores.memory.MemoryStore",
    "keeps images in memory, for tests and demonstrations: they are lost at the end",
    schemes=("memory",),
)
