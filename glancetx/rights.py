"""Settings → who may do what: the policy, watched while the daemon runs, and protections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from glancetx.config import ConfigError, Settings
from glancetx.identity.watched import WatchedFile
from glancetx.policy.enforcer import Policy
from glancetx.policy.file import BadPolicy, read_rules
from glancetx.policy.protections import Protections
from glancetx.policy.protections_file import FORMATS, read_protections
from glancetx.policy.rules import Rules
from glancetx.threads import Threads


@frozen
class Rights:
    """
    What callers are judged by.

    ``file`` is a service that reads the policy's file when it changes, or None when there is none.
    """

    policy: Policy
    protections: Protections
    file: WatchedFile[Rules] | None = None


def make_rights(reactor: Any, settings: Settings, threads: Threads) -> Rights:
    """
    The rights that the files of the settings describe, none of them watched yet.

    This reads the files, which blocks; later the policy's is read in one of the threads.

    :raises ConfigError: with one sentence about the first mistake in a file.
    """
    file = _policy_file(reactor, settings, threads)
    policy = Policy() if file is None else Policy(lambda: file.value)
    return Rights(policy, _protections(settings, policy), file)


def _policy_file(reactor: Any, settings: Settings, threads: Threads) -> WatchedFile[Rules] | None:
    if settings.policy_file is None:
        return None
    try:
        return WatchedFile(reactor, Path(settings.policy_file), read_rules, threads)
    except ValueError as error:
        raise ConfigError(f"the policy file {error}") from error


def _protections(settings: Settings, policy: Policy) -> Protections:
    rule_format = settings.property_protection_rule_format
    if rule_format not in FORMATS:
        raise ConfigError(
            f"property_protection_rule_format must be {' or '.join(FORMATS)}, not {rule_format!r}"
        )
    if settings.property_protection_file is None:
        return Protections()
    path = Path(settings.property_protection_file)
    try:
        return read_protections(path.read_bytes(), rule_format, policy)
    except OSError as error:
        raise ConfigError(
            f"the property protection file {path} cannot be read: {error.strerror}"
        ) from error
    except BadPolicy as error:
        raise ConfigError(f"the property protection file {path} is refused: {error}") from error
