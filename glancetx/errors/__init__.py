"""
Everything that can go wrong, as types.

An error carries its facts as attributes and one sentence as text.
None of them knows of HTTP: `glancetx.web.errors` gives each its status.
The sentence may be shown to any client, so it never holds a location, a path or a secret.
"""

from __future__ import annotations

from glancetx.errors.base import GlanceError
from glancetx.errors.conflicts import (
    Conflict,
    DataExists,
    DataInUse,
    DeletedMeanwhile,
    ImageExists,
    NotQueued,
    StatusConflict,
    WrongStatus,
)
from glancetx.errors.elsewhere import (
    InvalidLocation,
    RemoteBroken,
    RemoteChanged,
    RemoteRefused,
    RemoteUnavailable,
    SourceNotFound,
    SourceNotSupported,
    SourceRefused,
)
from glancetx.errors.load import Overloaded, TooManyRequests
from glancetx.errors.missing import (
    ImageDeleted,
    ImageNotActive,
    MayNotShare,
    NoSuchData,
    NoSuchImage,
    NoSuchMember,
    NotFound,
)
from glancetx.errors.refusals import (
    IdentityUnavailable,
    ImageDeactivated,
    ImageProtected,
    Immutable,
    NotAllowed,
    NotAuthenticated,
    ReadOnly,
    Refused,
)
from glancetx.errors.registry import RegistryUnavailable
from glancetx.errors.requests import (
    BadMetadata,
    BadRequest,
    NoSuchStore,
    PromiseBroken,
    QuotaExceeded,
    RangeOutside,
    TooLarge,
    TooManyImages,
    TooManyMembers,
)
from glancetx.errors.stores import (
    CacheUnavailable,
    DataCorrupted,
    StoreError,
    StoreFailed,
    StoreForbids,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from glancetx.errors.streams import (
    BodyCutShort,
    CannotRead,
    ConsumerGone,
    StreamError,
)

__all__ = [
    "CannotRead",
    "BadMetadata",
    "BadRequest",
    "BodyCutShort",
    "CacheUnavailable",
    "Conflict",
    "ConsumerGone",
    "DataCorrupted",
    "DataExists",
    "DataInUse",
    "DeletedMeanwhile",
    "GlanceError",
    "IdentityUnavailable",
    "ImageDeactivated",
    "ImageDeleted",
    "ImageExists",
    "ImageNotActive",
    "ImageProtected",
    "Immutable",
    "InvalidLocation",
    "MayNotShare",
    "NoSuchData",
    "NoSuchImage",
    "NoSuchMember",
    "NoSuchStore",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotQueued",
    "Overloaded",
    "PromiseBroken",
    "QuotaExceeded",
    "RangeOutside",
    "ReadOnly",
    "Refused",
    "RegistryUnavailable",
    "RemoteBroken",
    "RemoteChanged",
    "RemoteRefused",
    "RemoteUnavailable",
    "SourceNotFound",
    "SourceNotSupported",
    "SourceRefused",
    "StatusConflict",
    "StoreError",
    "StoreFailed",
    "StoreForbids",
    "StoreFull",
    "StoreReadOnly",
    "StoreUnavailable",
    "StreamError",
    "TooLarge",
    "TooManyImages",
    "TooManyMembers",
    "TooManyRequests",
    "WrongStatus",
]
