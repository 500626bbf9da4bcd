"""Settings → who may do what: the policy and the protections, watched while the daemon runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from glancetx.config import ConfigError, Settings
from glancetx.identity.watched import WatchedFiles
from glancetx.policy.enforcer import Policy, shipped_rules
from glancetx.policy.file import BadPolicy, read_rules
from glancetx.policy.protections import Protections, unprotected
from glancetx.policy.protections_file import FORMATS, read_protections
from glancetx.policy.rules import Rules
from glancetx.threads import Threads


@frozen
class Law:
    """What the files say, read together: protections may name rules of the policy file."""

    rules: Rules
    protections: Protections


@frozen
class Rights:
    """
    What callers are judged by: both tell what is in force at the moment.

    ``files`` is a service that reads the files when one changes, or None when there are none.
    """

    policy: Policy
    protections: Callable[[], Protections]
    files: WatchedFiles[Law] | None = None


def make_rights(reactor: Any, settings: Settings, threads: Threads) -> Rights:
    """
    The rights that the files of the settings describe, none of them watched yet.

    This reads the files, which blocks; later they are read in one of the threads.

    :raises ConfigError: with one sentence about the first mistake in a file.
    """
    rule_format = settings.property_protection_rule_format
    if rule_format not in FORMATS:
        raise ConfigError(
            f"property_protection_rule_format must be {' or '.join(FORMATS)}, not {rule_format!r}"
        )
    names = (settings.policy_file, settings.property_protection_file)
    paths = [Path(name) for name in names if name is not None]
    if not paths:
        return Rights(Policy(), unprotected)

    def read(*contents: bytes) -> Law:
        left = iter(contents)
        rules, protections = (None if name is None else next(left) for name in names)
        return read_law(rules, protections, rule_format)

    try:
        files = WatchedFiles(reactor, paths, read, threads)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return Rights(Policy(lambda: files.value.rules), lambda: files.value.protections, files)


def read_law(rules: bytes | None, protections: bytes | None, rule_format: str) -> Law:
    """
    What files of these contents say, of which there may be none.

    :raises BadPolicy: with the first mistake.
    """
    with _refused_as("the policy file"):
        known = shipped_rules() if rules is None else read_rules(rules)
    if protections is None:
        return Law(known, unprotected())
    with _refused_as("the property protection file"):
        return Law(known, read_protections(protections, rule_format, Policy(lambda: known)))


@contextmanager
def _refused_as(name: str) -> Iterator[None]:
    try:
        yield
    except BadPolicy as error:
        raise BadPolicy(f"{name}: {error}") from error
