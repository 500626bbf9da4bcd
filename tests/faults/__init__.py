"""
Connections that break between a daemon and the real servers of its stores.

Modules here are not named ``test_*``, so that other runs do without them: ``tox -e faults``.
GLANCE_FAULT_SEED chooses the same faults again, GLANCE_FAULT_ROUNDS how many of each kind.
"""
