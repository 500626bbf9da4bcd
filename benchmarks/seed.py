"""Many images in the registry at once: through the API it would take minutes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.bench import Running
from glancetx.registry.running import RunningCluster

_FILL = """
INSERT INTO images (
    id, status, name, owner, visibility, protected, disk_format, container_format, size, min_disk,
    min_ram, checksum, digests, properties, locations, created_at, updated_at, reserved, transferred
)
SELECT
    gen_random_uuid(), 'active', 'image ' || n, 'tenant ' || n % 500, 'public', false, 'qcow2',
    'bare', n * 1024, 0, 0, md5(n::text), jsonb_build_object(
        'md5', md5(n::text), 'sha256', md5(n::text) || md5(n::text)
    ), '{{"os_distro": "debian", "architecture": "x86_64"}}', jsonb_build_array(
        jsonb_build_object('store', 'file', 'key', 'ab/cd/' || gen_random_uuid())
    ),
    now() - n * interval '1 minute', now() - n * interval '1 minute', 0, 0
FROM generate_series(1, {count} - (SELECT count(*) FROM images)) AS n
"""


def seed(running: Running, count: int) -> None:
    """Fill the registry of the daemon up to so many images; nothing when it has them."""
    data = Path(running.server.directory, "data", "registry")
    cluster = RunningCluster.at(data)
    if cluster is None:
        raise RuntimeError(f"no PostgreSQL runs in {data}")
    with closing(cluster), closing(psycopg2.connect(cluster.dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_FILL.format(count=count))
            if cursor.rowcount > 0:
                cursor.execute("VACUUM ANALYZE images")
