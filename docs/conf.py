"""How Sphinx builds this documentation; it asks nothing of the network."""

from __future__ import annotations

import sys
from pathlib import Path

import glancetx

sys.path.insert(0, str(Path(__file__).resolve().parent / "extensions"))

project = "glancetx"
author = "The glancetx developers"
copyright = f"2026, {author}"
version = release = glancetx.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "ports"]
exclude_patterns = ["_build", "examples", "newsfragments"]

html_theme = "furo"
html_title = f"glancetx {release}"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True

# Without the network we cannot link to what others document; the inside is not documented here.
nitpick_ignore_regex = [
    (r"py:.*", r"(attrs?|collections|datetime|enum|twisted|typing|zope)\..*"),
    # Of our own modules only those that reference.md lists.
    (r"py:.*", r"glancetx\.(?!(interfaces|streams|plugins|errors|deferreds|threads|testing)\b).*"),
    (r"py:class", r"I[A-Z]\w+|glancetx\.\w+\.[A-Z]"),  # interfaces of Twisted, and type variables
    (r"py:class", r"AbstractContextManager"),  # which typing does not have
    (r"py:obj", r"(?!glancetx\.).*"),  # prose may name what is private
]
