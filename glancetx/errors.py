"""
Everything that can go wrong, as types.

An error carries its facts as attributes and one sentence as text.
None of them knows of HTTP: `glancetx.web.errors` gives each its status.
The sentence may be shown to any client, so it never holds a location, a path or a secret.
"""

from __future__ import annotations

from glancetx.image import Status


class GlanceError(Exception):
    """What glancetx raises on purpose."""


# -- not found


class NotFound(GlanceError):
    """It does not exist, or must not be known to exist."""


class NoSuchImage(NotFound):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image with identifier {image_id} not found")
        self.image_id = image_id


class ImageNotActive(NotFound):
    """There is a record, but no bytes to give."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} is not active")
        self.image_id = image_id


class ImageDeleted(NotFound):
    """An operator sees the record, but what is asked for has gone with the image."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image with identifier {image_id} has been deleted.")
        self.image_id = image_id


class NoSuchMember(NotFound):
    def __init__(self, image_id: str, member: str) -> None:
        super().__init__("Membership could not be found")
        self.image_id = image_id
        self.member = member


class MayNotShare(NotFound):
    """He sees the image, and has no say in who else does."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"No permission to share image {image_id}")
        self.image_id = image_id


class NoSuchData(NotFound):
    """The store has nothing (any more) under this key."""

    def __init__(self, what: str = "image data") -> None:
        super().__init__(f"The store could not find {what}")


# -- conflicts


class Conflict(GlanceError):
    """Somebody else was first, or the image is not in a state for this."""


class ImageExists(Conflict):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"An image with identifier {image_id} already exists")
        self.image_id = image_id


class StatusConflict(Conflict):
    """The image was not in an expected state; ``found`` is the state it was in."""

    def __init__(self, image_id: str, found: Status) -> None:
        super().__init__("Image operation conflicts")
        self.image_id = image_id
        self.found = found


class WrongStatus(Conflict):
    """Only images in another state can be treated so."""

    def __init__(self, image_id: str, found: Status, wanted: Status) -> None:
        super().__init__(f"Image {image_id} is {found.value}, and not {wanted.value}")


class NotQueued(Conflict):
    """Bytes are written once, and this image has had its chance."""

    def __init__(self, image_id: str) -> None:
        super().__init__("Cannot upload to an unqueued image")
        self.image_id = image_id


class DataExists(Conflict):
    """The store already keeps bytes for this image and has left them alone."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Attempt to upload duplicate image: {image_id}")
        self.image_id = image_id


class DataInUse(Conflict):
    """The store cannot delete what somebody else builds upon."""

    def __init__(self) -> None:
        super().__init__("Image could not be deleted because it is in use")


class DeletedMeanwhile(Conflict):
    """The image was deleted while its bytes were coming in."""

    def __init__(self, image_id: str) -> None:
        super().__init__(
            f"Image {image_id} could not be found after upload. "
            "The image may have been deleted during the upload."
        )
        self.image_id = image_id


# -- refusals


class Refused(GlanceError):
    """It exists, and this caller may not do this to it."""


class NotAllowed(Refused):
    def __init__(self, sentence: str = "You are not authorized to complete this action.") -> None:
        super().__init__(sentence)


class ReadOnly(Refused):
    def __init__(self) -> None:
        super().__init__("Read-only access")


class NotAuthenticated(Refused):
    """Nobody knows who asks, or for whom."""

    def __init__(self) -> None:
        super().__init__("No authenticated user")


class ImageProtected(Refused):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} is protected and cannot be deleted.")
        self.image_id = image_id


class ImageDeactivated(Refused):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"The requested image {image_id} is deactivated.")
        self.image_id = image_id


class Immutable(Refused):
    """An attribute that this image no longer lets anybody change."""

    def __init__(self, attribute: str, of: str = "image") -> None:
        super().__init__(f"Forbidden to modify '{attribute}' of {of}.")
        self.attribute = attribute


class IdentityUnavailable(GlanceError):
    def __init__(self) -> None:
        super().__init__("The identity service is unavailable. Try again later.")


# -- bad input


class BadRequest(GlanceError):
    """The sentence says what to send instead."""


class BadMetadata(BadRequest):
    """An attribute or property is not acceptable."""


class PromiseBroken(BadRequest):
    """The bytes are not those that were announced."""


class RangeOutside(BadRequest):
    """A read begins after the last byte. ``size`` is where the data ends, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The requested range begins after the last of {size} bytes.")
        self.size = size


class NoSuchStore(BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"Store for scheme {name} not found")
        self.name = name


class TooLarge(GlanceError):
    """More than a limit allows; the sentence names the limit."""


class TooManyMembers(TooLarge):
    def __init__(self, attempted: int, maximum: int) -> None:
        super().__init__(
            "The limit has been exceeded on the number of allowed image members. "
            f"Attempted: {attempted}, Maximum: {maximum}"
        )
        self.attempted = attempted
        self.maximum = maximum


class QuotaExceeded(TooLarge):
    """The owner's images would take more bytes than they may."""

    def __init__(self) -> None:
        super().__init__("Denying attempt to upload image because it exceeds the quota.")


# -- stores


class StoreError(GlanceError):
    """A store could not do its work."""


class StoreFull(StoreError):
    def __init__(self) -> None:
        super().__init__("Image storage media is full: there is no room for this image.")


class StoreForbids(StoreError):
    """The store's medium denies writing or reading at run time."""

    def __init__(self) -> None:
        super().__init__("Insufficient permissions on image storage media.")


class StoreReadOnly(StoreError):
    """The store was set up not to take images."""

    def __init__(self) -> None:
        super().__init__("Adding images to store is disabled.")


class StoreFailed(StoreError):
    """Something was begun on a store and did not succeed; the sentence says what."""


class StoreUnavailable(StoreError):
    def __init__(self) -> None:
        super().__init__("The image store is unavailable. Try again later.")


# -- sources elsewhere, named by users: forbidden, closed and silent ones read the same, so that
# nobody learns about a network by naming its addresses


class SourceNotSupported(BadRequest):
    """The scheme of a location is not one that users may name."""

    def __init__(self) -> None:
        super().__init__("External sources are not supported")


class InvalidLocation(BadRequest):
    """It is malformed, not allowed, or cannot be reached: all by one sentence."""

    def __init__(self) -> None:
        super().__init__("Invalid location: The HTTP URL is invalid")


class SourceNotFound(NotFound):
    """The remote server knows nothing at this location."""

    def __init__(self) -> None:
        super().__init__("HTTP datastore could not find image at URI")


class SourceRefused(BadRequest):
    """The remote server answered a probe, but not with an image; ``status`` is what it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP URL returned a {status} status code")
        self.status = status


class RemoteUnavailable(StoreUnavailable):
    """The server that has an image cannot be reached, or is none that we would ask."""

    def __init__(self) -> None:
        StoreError.__init__(self, "Remote server where the image is present is unavailable")


class RemoteRefused(StoreError):
    """The server that has an image answered otherwise; ``status`` is what it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The remote server returned a {status} status code")
        self.status = status


class RemoteBroken(StoreError):
    """The server that has an image broke off, or gave other bytes than it had announced."""

    def __init__(self) -> None:
        super().__init__("The remote server did not give the image as announced")


class RemoteChanged(StoreError):
    """The image is another one than when the first of its bytes were read."""

    def __init__(self) -> None:
        super().__init__("The image has changed on the remote server while it was read")


# -- streams


class StreamError(GlanceError):
    """Bytes on the move did not arrive."""


class BodyCutShort(StreamError):
    """The source ended before it had given all it owed."""

    def __init__(self) -> None:
        super().__init__("Client disconnected before sending all data to backend")


class ConsumerGone(StreamError):
    """Whoever took the bytes wants no more of them."""

    def __init__(self) -> None:
        super().__init__("The consumer went away")


# -- registry


class RegistryUnavailable(GlanceError):
    def __init__(self) -> None:
        super().__init__("The image registry is unavailable. Try again later.")
