"""
Backup and restore as docs/deploying.md tells, of a daemon under load.

Run by the tox environment backup, and not by a run of all tests.
"""
