"""
``glancetx``: what an operator does to an installation, whether or not its daemon runs.

Each command is a module that has a `Command`; `program` lists them.
"""

from __future__ import annotations

from glancetx.command.program import main

__all__ = ["main"]
