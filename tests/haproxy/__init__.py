"""
Two daemons behind HAProxy, as docs/deploying.md says, under load.

``against_*`` are run by the tox environment haproxy, and not by a run of all tests.
"""
