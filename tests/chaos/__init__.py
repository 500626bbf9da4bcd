"""
Everything that can happen to one daemon with workers of its own, while many clients are served.

``tox -e chaos`` runs this.
GLANCE_CHAOS_FAULTS is how many faults are injected, GLANCE_CHAOS_SEED chooses the same again.
``plugins`` goes in front of the daemon's path.
"""
