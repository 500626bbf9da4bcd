"""Policy files: YAML, or JSON as in old installations."""

from __future__ import annotations

import json
from typing import Any

import yaml

from glancetx.policy.grammar import BadRule
from glancetx.policy.rules import Rules, compile_rules


class BadPolicy(ValueError):
    """A file is not what it should be; the text is half a sentence for the operator."""


def read_rules(content: bytes) -> Rules:
    """
    The rules in a file of this content; an empty one has those that are shipped.

    :raises BadPolicy: with the first mistake.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadPolicy("it is not UTF-8") from error
    given = _parse(text)
    if not isinstance(given, dict):
        raise BadPolicy("it must map names to rules")
    try:
        return compile_rules(given)
    except BadRule as error:
        raise BadPolicy(str(error)) from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # nearly all JSON is YAML, but not with tabs
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f": see line {mark.line + 1}"
        raise BadPolicy(f"it is neither YAML nor JSON{where}") from error
    return {} if content is None else content
