"""What is measured: glancetx, yardsticks, and whatever a profile describes."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from glancetx.digests import DEFAULT_DIGESTS

GLANCETX, NGINX, TWISTED, LOOP = "glancetx", "nginx", "twisted", "loop"

#: For uploads whose length is told beforehand, and for those where it is not.
LENGTH, CHUNKED = "length", "chunked"

_NGINX = """
worker_processes {workers};
daemon off;
pid {directory}/nginx.pid;
error_log stderr error;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path {directory}/temporary;
    server {{
        listen 127.0.0.1:{port} reuseport;
        root {directory}/files;
        location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""


@frozen
class Request:
    """A request to an image, ``{id}``; its head but for what depends on the body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(factory=dict)

    def head(self, image_id: str, framing: str = "") -> str:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).replace("{id}", image_id) + f"\r\n{framing}\r\n"


@frozen
class Target:
    """
    A server: how it is started, and how it is asked for the same things as the others.

    In ``command`` and ``files`` (name → content), ``{port}``, ``{directory}``, ``{workers}`` and
    ``{python}`` stand for what they say.
    """

    name: str
    command: Sequence[str]
    upload: Request
    delete: Request
    download: Request | None = None
    head: Request | None = None
    list: Request | None = None
    ready: str = "/"
    files: Mapping[str, str] = field(factory=dict)
    framings: Sequence[str] = (LENGTH, CHUNKED)

    def prepared(self, directory: Path, port: int, workers: int) -> Sequence[str]:
        """The command, after everything that it needs is in the directory."""
        places = {
            "port": port,
            "directory": directory,
            "workers": workers,
            "python": sys.executable,
            # Else nginx's workers would run as nobody, who may read nothing of ours.
            "user": "user root;" if os.geteuid() == 0 else "",
        }
        (directory / "files").mkdir()
        for name, content in self.files.items():
            (directory / name).write_text(content.format(**places))
        more = [f"--workers={workers}"] if self.name == GLANCETX else []
        return [each.format(**places) for each in self.command] + more


def glancetx(digests: Sequence[str] = ()) -> Target:
    """The daemon, as it is by default, but for digests when they are given."""
    image = "/v1/images/{id}"
    formats = {"x-image-meta-disk_format": "raw", "x-image-meta-container_format": "bare"}
    upload = {
        "x-image-meta-id": "{id}",
        "x-image-meta-is_public": "true",
        "Content-Type": "application/octet-stream",
        **formats,
    }
    twistd = os.path.join(sysconfig.get_path("scripts"), "twistd")
    options = ["--data={directory}/data", "--listen=tcp:{port}:interface=127.0.0.1"]
    files = {}
    if digests:
        options.append("--config={directory}/glancetx.toml")
        files["glancetx.toml"] = f"digests = {json.dumps(list(digests))}\n"
    return Target(
        GLANCETX,
        [twistd, "-n", "--pidfile=", "glance", *options],
        Request("POST", "/v1/images", upload),
        Request("DELETE", image),
        Request("GET", image),
        Request("HEAD", image),
        Request("GET", "/v1/images?limit=25"),
        ready="/healthcheck",
        files=files,
    )


def nginx() -> Target:
    """The distribution's nginx, with sendfile(2) and WebDAV."""
    return _plain(NGINX, ["nginx", "-c", "{directory}/conf"], {"conf": _NGINX})


def twisted() -> Target:
    """What anybody would write on Twisted in ten minutes."""
    command = ["{python}", "-m", "benchmarks.naive", "{port}", "{directory}/files"]
    return _plain(TWISTED, command, {})


def loop(digests: Sequence[str] = ()) -> Target:
    """What receives, computes the same digests and writes, and nothing else."""
    command = ["{python}", "-m", "benchmarks.loop", "{port}", "{directory}/files"]
    command += digests or DEFAULT_DIGESTS
    path = "/{id}"
    upload, delete = Request("PUT", path), Request("DELETE", path)
    return Target(LOOP, command, upload, delete, framings=(LENGTH,))


def _plain(name: str, command: Sequence[str], files: Mapping[str, str]) -> Target:
    path = "/{id}"
    upload, delete, download = (Request(method, path) for method in ("PUT", "DELETE", "GET"))
    return Target(name, command, upload, delete, download, files=files)


def from_profile(path: Path) -> Target:
    """
    Another server, as a TOML file describes it by the names of `Target`; see docs/performance.

    :raises ValueError: when it describes none.
    """
    content = tomllib.loads(path.read_text("utf-8"))
    requests = ("upload", "download", "delete", "head", "list")
    made: dict[str, Any] = {
        name: Request(**value) if name in requests else value for name, value in content.items()
    }
    try:
        return Target(**made)
    except TypeError as error:
        raise ValueError(f"{path} describes no server: {error}") from None
