"""What the library of OpenStack says about rules, credentials and targets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

#: It logs every rule that it does not understand, with a traceback.
logging.getLogger("oslo_policy").setLevel(logging.CRITICAL + 1)


class Oracle:
    """The rules of one file, without any that are registered in code."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self._enforcer = policy.Enforcer(cfg.ConfigOpts(), use_conf=False, default_rule="default")
        self._enforcer.set_rules(policy.Rules.from_dict(dict(rules), "default"), use_conf=False)

    def allows(self, name: str, credentials: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
        return bool(self._enforcer.enforce(name, dict(target), dict(credentials)))
