"""The stores that come with glancetx."""

from glancetx.plugins import StoreMaker

file = StoreMaker(
    "file",
    "glancetx.stores.file.FileStore",
    "file:DIRECTORY[:threads=8]  keeps images as files below a directory",
    schemes=("file", "filesystem"),
)
http = StoreMaker(
    "http",
    "glancetx.stores.http.HttpStore",
    "http:[allow=HOST,NETWORK,...][:ca=FILE][:idle=60][:attempts=5]  reads images from web servers",
    schemes=("http", "https"),
    foreign=True,
)
memory = StoreMaker(
    "memory",
    "glancetx.stores.memory.MemoryStore",
    "memory:  keeps images in memory, for tests and demonstrations: they are lost at the end",
    schemes=("memory",),
)
