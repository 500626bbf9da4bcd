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
        Option("head", "seconds from the lookup of a name to the headers of each answer", "30"),
        Option("idle", "seconds between two bytes of an image, while we want more", "60"),
        Option("attempts", "how often one download may go on after its connection broke", "5"),
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
s3 = StoreMaker(
    "s3",
    "glancetx.stores.s3.options.s3_store",
    "keeps images in a bucket of Amazon S3, or of what speaks its protocol",
    options=(
        Option("bucket", "its name; it must exist", positional=True),
        Option("endpoint", "URL of the server, as https://s3.example.com:9000", "Amazon's"),
        Option("region", "region that requests are signed for", "us-east-1"),
        Option("prefix", "what the names of all objects begin with", "nothing"),
        Option("addressing", "where the bucket's name stands: path, or virtual for host", "path"),
        Option("credentials", "file of credentials, TOML or as ~/.aws/credentials", "environment"),
        Option("profile", "which of the profiles in that file", "default"),
        Option("lender", "URL that lends credentials to an instance or a container", "none"),
        Option("ca", "file of certificates (PEM) to trust for https", "the system's"),
        Option("part_size", "size of a part, one of which is in memory per upload", "16MB"),
        Option("payload", "signed or unsigned: whether signatures cover what is sent", "auto"),
        Option("checksum", "further checksum to send: crc32, sha1 or sha256", "none"),
        Option("stale", "seconds after which an upload without progress is aborted", "86400"),
        Option("threads", "how many parts are hashed at the same time", "one for each core"),
        Option("connect", "seconds for a connection", "10"),
        Option("head", "seconds for an answer, once all is sent", "60"),
        Option("idle", "seconds between two bytes, either way", "60"),
        Option("attempts", "how often a request is tried again", "5"),
    ),
    schemes=("s3", "s3+http", "s3+https"),
)
swift = StoreMaker(
    "swift",
    "glancetx.stores.swift.options.swift",
    "keeps images in OpenStack Swift, or in Ceph by its gateway's Swift API",
    options=(
        Option(
            "container", "where images are; CONTAINER_segments has their parts", positional=True
        ),
        Option("auth", "URL of Keystone, or that of auth version 1, as http://HOST/auth/v1.0"),
        Option("credentials", "file with who we are there"),
        Option("region", "which one of Keystone's catalogue", "the only one"),
        Option("interface", "which one of its endpoints: public, internal or admin", "public"),
        Option("storage_url", "where our account is", "what the login says"),
        Option("ca", "file of certificates (PEM) to trust for https", "the system's"),
        Option("create_container", "whether missing containers are made: true or false", "true"),
        Option("large_object_size", "size up to which an image is one object", "5120MB"),
        Option("large_object_chunk_size", "least size of the segments of a larger one", "200MB"),
        Option("max_segments", "how many segments Swift lets a manifest name", "1000"),
        Option("connect", "seconds for a connection", "10"),
        Option("head", "seconds for an answer, once all is sent", "60"),
        Option("idle", "seconds between two bytes, while there should be more", "60"),
        Option("attempts", "how often what failed is tried again, where that is safe", "5"),
    ),
    schemes=("swift", "swift+http", "swift+https", "swift+config"),
)
