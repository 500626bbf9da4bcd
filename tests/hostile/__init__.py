"""
Bytes that nobody sends by mistake, against a real daemon.

`families` names the kinds of them, `reading` knows how many requests a strict server may see in
any bytes, and `against_daemon` sends them and measures what they cost (``tox run -e hostile``).
"""
