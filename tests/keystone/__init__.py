"""
How Keystone is asked, against a fake one; and, in `against_keystone`, against a real one.

The real one is for ``tox -e keystone``.
It is started by ``keystone.sh`` in the folder that GLANCE_SERVICES names, or else in
``shared/services`` beside the checkout.
Modules that need it are not named ``test_*``, so that other runs do without it.
"""
