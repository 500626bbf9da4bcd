"""
The pure codecs, and any bytes at all.

`targets` says what each of them must keep; `test_targets` lets hypothesis try a little of it in
every run of the suite, and ``python -m tests.fuzz`` lets atheris, which watches which branches are
taken, try for minutes (``tox run -e fuzz``).
"""
