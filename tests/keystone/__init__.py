"""
Tests against a real Keystone: ``tox -e keystone``.

It is started by ``keystone.sh`` in the folder that GLANCE_SERVICES names, or else in
``shared/services`` beside the checkout.
These modules are not named ``test_*``, so that other runs do without it.
"""
