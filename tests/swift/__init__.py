"""
The Swift store against real servers, for ``tox -e swift`` and ``tox -e ceph``.

They are started by `tests.services`.
Modules that need them are not named ``test_*``, so that other runs do without them.
"""
