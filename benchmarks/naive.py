"""
A server as anybody would write it on Twisted: files by ``twisted.web.static``, and a PUT.

``python -m benchmarks.naive PORT DIRECTORY``
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.web.server import Site
from twisted.web.static import File

reactor: Any = installed_reactor


class Directory(File):
    """A directory of files, where a PUT makes one and a DELETE removes it."""

    def render_PUT(self, request: Any) -> bytes:  # noqa: N802
        with open(self.path, "wb") as file:
            shutil.copyfileobj(request.content, file)
        request.setResponseCode(201)
        return b""

    def render_DELETE(self, request: Any) -> bytes:  # noqa: N802
        os.unlink(self.path)
        request.setResponseCode(204)
        return b""

    def getChild(self, path: bytes, request: Any) -> Any:  # noqa: N802
        child = super().getChild(path, request)
        if request.method != b"PUT":
            return child
        return self.createSimilarFile(os.path.join(self.path, path.decode("ascii")))


def main() -> None:
    port, directory = sys.argv[1:]
    site = Site(Directory(directory))
    reactor.listenTCP(int(port), site, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
