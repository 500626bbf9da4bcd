"""
Requests to other servers that a user can cause: where they may go, and how far one trusts them.

Nothing else in glancetx connects to an address that a user named.
"""

from glancetx.outbound.fetch import Fetcher, Limits
from glancetx.outbound.fetched import Fetched
from glancetx.outbound.rules import Rules, parse_rules
from glancetx.outbound.target import Target, parse_target

__all__ = ["Fetched", "Fetcher", "Limits", "Rules", "Target", "parse_rules", "parse_target"]
