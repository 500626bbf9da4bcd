"""Which policy rule is asked about which request of v1, and when (contract §3.6, §9.3)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen

from glancetx.access import Caller
from glancetx.image import Image, Visibility
from glancetx.image_document import core_attributes
from glancetx.policy.enforcer import Policy
from glancetx.policy.protections import Protections, unprotected
from glancetx.web.v1.meta import RequestMeta


@frozen
class Permissions:
    """
    What stands between a request and the use-cases.

    Every method is called before anything is looked up, unless it is given an image, and raises
    `glancetx.policy.enforcer.Denied` when a rule says no.
    """

    _policy: Policy = field(factory=Policy)
    _protections: Callable[[], Protections] = unprotected

    def check(self, rule: str, caller: Caller) -> None:
        """Whether he may do what has no target."""
        self._policy.check(rule, caller)

    def check_create(self, caller: Caller, meta: RequestMeta, brings_data: bool) -> None:
        """
        Steps 6 and 7 of a POST.

        :raises PropertyProtected: when it has a property that he may not create.
        """
        self._policy.check("add_image", caller)
        self._check_wishes(caller, meta, brings_data)
        self._protections().check_create(caller, meta.properties)

    def check_update(self, caller: Caller, meta: RequestMeta, brings_data: bool) -> None:
        """Step 6 of a PUT, whose properties are judged when its image is known."""
        self._policy.check("modify_image", caller)
        self._check_wishes(caller, meta, brings_data)

    def check_location(self, caller: Caller, meta: RequestMeta) -> None:
        """Step 9 of a POST; step 11 of a PUT, whose image is known then."""
        if meta.location is not None:
            self._policy.check("set_image_location", caller)

    def check_download(self, caller: Caller, image: Image) -> None:
        """
        Whether he may have the bytes of an image that he sees.

        A rule may ask about its attributes, and about properties that are not called like them.
        """
        target = {**image.properties, **core_attributes(image)}
        self._policy.check("download_image", caller, target)

    def readable(self, caller: Caller, image: Image) -> Image:
        """The image without the properties that are not for him."""
        return self._protections().readable(caller, image)

    def _check_wishes(self, caller: Caller, meta: RequestMeta, brings_data: bool) -> None:
        if meta.values.get("visibility") is Visibility.PUBLIC:
            self._policy.check("publicize_image", caller)
        if meta.copy_from:
            self._policy.check("copy_from", caller)
        if meta.copy_from or brings_data:
            self._policy.check("upload_image", caller)
