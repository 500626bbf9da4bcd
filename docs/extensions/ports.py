"""
Interfaces as documentation: the directive ``ports``, and their names in signatures.

An interface of zope.interface is no class, so autodoc passes it by, and at run time its methods
have lost their annotations.
Therefore this reads the module's source, and executes none of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

INDENT = "   "


class Ports(SphinxDirective):
    """``.. ports:: package`` documents every interface of its modules, with all their members."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        package = self.arguments[0]
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise self.error(f"there is no package {package}")
        lines = [f".. py:module:: {package}", ""]
        lines.extend(_prose(self._parsed(Path(spec.origin))))
        for path in sorted(Path(spec.origin).parent.glob("[!_]*.py")):
            lines.extend(_module(self._parsed(path)))
        return self.parse_text_to_nodes("\n".join(lines))

    def _parsed(self, path: Path) -> ast.Module:
        self.env.note_dependency(path)
        return ast.parse(path.read_text(encoding="utf-8"))


def _module(tree: ast.Module) -> Iterator[str]:
    yield from _prose(tree)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _interface(node)


def _interface(node: ast.ClassDef) -> Iterator[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases if ast.unparse(base) != "Interface")
    yield f".. py:class:: {node.name}" + (f"({bases})" if bases else "")
    yield ""
    yield from _indented(_prose(node))
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            yield from _indented(_method(member))
        elif isinstance(member, ast.AnnAssign):
            yield from _indented(_attribute(member))


def _method(node: ast.FunctionDef) -> Iterator[str]:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    yield f".. py:method:: {node.name}({ast.unparse(node.args)}){returns}"
    yield ""
    yield from _indented(_prose(node))


def _attribute(node: ast.AnnAssign) -> Iterator[str]:
    """``name: type = Attribute("What it is.")``."""
    yield f".. py:attribute:: {ast.unparse(node.target)}"
    yield f"{INDENT}:type: {ast.unparse(node.annotation)}"
    yield ""
    if isinstance(node.value, ast.Call) and node.value.args:
        yield f"{INDENT}{ast.literal_eval(node.value.args[0])}"
        yield ""


def _prose(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> list[str]:
    return [*cleandoc(ast.get_docstring(node) or "").splitlines(), ""]


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"{INDENT}{line}" if line else "" for line in lines)


def _name_interfaces(*event: object) -> tuple[str | None, ...]:
    """Write an interface in a signature by its public name, where autodoc writes its repr."""
    *_, signature, returns = event
    return tuple(
        re.sub(r"<InterfaceClass ([\w.]+)\.\w+\.(\w+)>", r"\1.\2", text)
        if isinstance(text, str)
        else None
        for text in (signature, returns)
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("ports", Ports)
    app.connect("autodoc-process-signature", _name_interfaces)
    return {"parallel_read_safe": True}
