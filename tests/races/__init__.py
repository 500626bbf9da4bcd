"""
Two real daemons on one PostgreSQL and one directory, raced for minutes; and random requests.

``tox -e races`` runs this, ``tox -e py`` does not: trial finds tests by names of modules that begin
with ``test_``, and these have other names.
"""
