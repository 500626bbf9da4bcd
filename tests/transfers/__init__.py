"""
Large images through a daemon into real servers and back.

Modules here are not named ``test_*``, so that other runs do without them; the environments of the
servers run them.
GLANCE_TRANSFER_SIZE is the size of an image in bytes, 4 GiB by default.
"""
