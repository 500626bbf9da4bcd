"""glancetx: a streaming image server on Twisted."""

__version__ = "0.1.0"
