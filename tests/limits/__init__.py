"""
Daemons of whom too much is asked, too slowly or too often, and whose certificates are renewed.

Modules here are not named ``test_*``, so that other runs do without them: ``tox -e limits``.
They take about a minute, most of which is spent waiting for limits to be reached.
"""
