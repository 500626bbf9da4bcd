"""
The clients that people have, each with every operation it knows, against a running daemon.

``tox -e clients`` runs these, ``tox -e py`` does not: trial finds tests by names of modules that
begin with ``test_``, and these have other names.
What comes of them is told in docs/clients.md.
"""
