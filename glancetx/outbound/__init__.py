"""
Requests to other servers that a user can cause: where they may go, and how far one trusts them.

Nothing else in glancetx connects to an address that a user named.
"""

from glancetx.outbound.answer import Answer
from glancetx.outbound.fetch import Fetcher, Limits
from glancetx.outbound.rules import Rules, parse_rules
from glancetx.outbound.target import Target, parse_target

__all__ = ["Answer", "Fetcher", "Limits", "Rules", "Target", "parse_rules", "parse_target"]
