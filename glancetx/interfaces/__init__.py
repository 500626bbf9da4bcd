"""
Every port of glancetx; the docstring is the contract.

Interfaces promise awaitables, so that an author may write coroutines or return Deferreds.
Whatever is promised here is tested by the public suites in `glancetx.testing`.
"""

from __future__ import annotations

from glancetx.interfaces.cache import IImageCache, Source
from glancetx.interfaces.identity import IAuthenticator, IAuthenticatorMaker
from glancetx.interfaces.makers import IMaker
from glancetx.interfaces.notifications import INotifier, INotifierMaker
from glancetx.interfaces.observer import UNOBSERVED, Answered, Observer
from glancetx.interfaces.probing import IProbed
from glancetx.interfaces.registry import IRegistry
from glancetx.interfaces.reloading import IReloadable
from glancetx.interfaces.stores import (
    IForeignStore,
    IListedStore,
    IReadableStore,
    IStore,
    IStoreMaker,
)
from glancetx.interfaces.streams import IByteStream, IFileSpan
from glancetx.interfaces.survey import ISurveyedRegistry

__all__ = [
    "Answered",
    "IAuthenticator",
    "IAuthenticatorMaker",
    "IByteStream",
    "IFileSpan",
    "IForeignStore",
    "IImageCache",
    "IListedStore",
    "IMaker",
    "INotifier",
    "INotifierMaker",
    "IProbed",
    "IReadableStore",
    "IRegistry",
    "IReloadable",
    "IStore",
    "IStoreMaker",
    "ISurveyedRegistry",
    "Observer",
    "Source",
    "UNOBSERVED",
]
