"""A file store on a disk that hangs, as a network file system does whose server is away."""

import os
import time
from typing import Any

from glancetx.stores.file import FileStore


class HangingStore(FileStore):
    """While there is a file of this name, whatever is to be done with the disk takes no end."""

    def __init__(self, reactor: Any, directory: str, **options: str) -> None:
        super().__init__(reactor, directory)
        self._while = options["while"]

    async def _run(self, threads: Any, job: Any, *args: Any, **kwargs: Any) -> Any:
        return await super()._run(threads, self._in_time, job, *args, **kwargs)

    def _in_time(self, job: Any, *args: Any, **kwargs: Any) -> Any:
        while os.path.exists(self._while):
            time.sleep(0.02)
        return job(*args, **kwargs)
