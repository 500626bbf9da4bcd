"""What is refused touches no store: neither the default one, nor another, nor one elsewhere."""

from __future__ import annotations

from typing import Any, cast

from glancetx.access import Caller
from glancetx.image import Status
from glancetx.policy.protections_file import read_protections
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import MemoryStore
from tests.elsewhere import HERE, Elsewhere
from tests.web.api import FORMATS, Api, policy
from tests.web.v1.case import AN_ID, HELLO, ApiCase
from tests.web.v1.test_policy import ADMIN, MEMBER, caller

PROPERTY = "x-image-meta-property-"
STORE = {"x-image-meta-store": "second"}
COPY = {"x-glance-api-copy-from": HERE}
LOCATION = {"x-image-meta-location": HERE}

STRANGER, READER = Caller(), caller("reader")

PROTECTIONS = b"""
[^ours_]
create = admin
read = @
update = admin
delete = admin
"""


class Spy:
    """Passes everything on, and notes what touches bytes: all that a store does but `check`."""

    VERBS = frozenset({"open", "probe", "add", "delete", "discard"})

    def __init__(self, spied: Any) -> None:
        self._spied = spied
        self.used: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in self.VERBS:
            self.used.append(name)
        return getattr(self._spied, name)


class UntouchedTests(ApiCase):
    """A member of a project who may only read, strangers, and members of other projects."""

    def make_api(self) -> Api:
        self.spies = [Spy(store) for store in (MemoryStore(None), MemoryStore(None), Elsewhere())]
        default, second, elsewhere = (cast(Any, spy) for spy in self.spies)
        rules = policy(
            add_image="not role:reader",
            upload_image="not role:reader",
            modify_image="not role:reader",
            delete_image="not role:reader",
            download_image="not 'vhd':%(disk_format)s",
            copy_from="role:admin",
            set_image_location="role:admin",
        )
        return Api(
            caller=MEMBER,
            store=default,
            more_stores=(
                ShelvedStore("second", second),
                ShelvedStore("http", elsewhere, frozenset({"http", "https"}), True),
            ),
            policy=rules,
            protections=read_protections(PROTECTIONS, "roles", rules),
        )

    def used(self) -> list[list[str]]:
        """What was done to each store since the last look."""
        done = [spy.used for spy in self.spies]
        for spy in self.spies:
            spy.used = []
        return done

    def assert_untouched(self, status: int, request: tuple[Any, ...], *callers: Caller) -> None:
        for each in callers:
            self.api.caller = each
            self.used()
            self.assertEqual(self.request(*request).status, status, (request, each))
            self.assertEqual(self.used(), [[], [], []], (request, each))

    def images(self) -> list[str]:
        """The paths of images of the member: in each store."""
        self.api.caller = ADMIN
        own = {"x-image-meta-owner": "t1"}
        paths = [
            self.active(own),
            self.active({**own, **STORE}),
            self.create({**FORMATS, **own, **LOCATION})["id"],
        ]
        return [f"/v1/images/{image_id}" for image_id in paths]

    def test_new_images(self) -> None:
        """Data, copies and locations of those who may make no image, or not such a one."""
        sent: list[tuple[dict[str, str], bytes | None]] = [
            (FORMATS, HELLO),
            ({**FORMATS, **STORE}, HELLO),
            ({**FORMATS, **COPY}, None),
            ({**FORMATS, **LOCATION}, None),
        ]
        for headers, body in sent:
            request = ("POST", "/v1/images", headers, body)
            self.assert_untouched(403, request, STRANGER, READER)
            marked = {**headers, f"{PROPERTY}ours_x": "1"}
            self.assert_untouched(403, ("POST", "/v1/images", marked, body), MEMBER)
        for headers, body in sent[2:]:
            self.assert_untouched(403, ("POST", "/v1/images", headers, body), MEMBER)

    def test_images_of_others(self) -> None:
        """To those who must not know of an image, whatever they want of it."""
        for path in self.images():
            for method in ("GET", "HEAD", "DELETE"):
                self.assert_untouched(404, (method, path), caller("member", project="t2"))
            put = ("PUT", path, FORMATS, HELLO)
            self.assert_untouched(404, put, caller("member", project="t2"))
            self.assert_untouched(404, ("GET", path), STRANGER)
            for request in (put, ("DELETE", path)):
                self.assert_untouched(403, request, STRANGER, READER)

    def test_public_images(self) -> None:
        """Everybody reads them, and only their owner changes them."""
        for path in self.images():
            self.api.caller = ADMIN
            public = {"x-image-meta-is_public": "True"}
            self.assertEqual(self.request("PUT", path, public).status, 200)
            for request in (("PUT", path, FORMATS), ("DELETE", path)):
                self.assert_untouched(403, request, caller("member", project="t2"))

    def test_reserved_images(self) -> None:
        """Nobody fills what somebody else has reserved, or what its owner may not fill."""
        self.api.caller = MEMBER
        path = f"/v1/images/{self.queued(FORMATS)}"
        for headers in (FORMATS, {**FORMATS, **STORE}):
            request = ("PUT", path, headers, HELLO)
            self.assert_untouched(404, request, caller("member", project="t2"))
            self.assert_untouched(403, request, STRANGER, READER)
            marked = {**headers, f"{PROPERTY}ours_x": "1"}
            self.assert_untouched(403, ("PUT", path, marked, HELLO), MEMBER)
        for source in (COPY, LOCATION):
            self.assert_untouched(403, ("PUT", path, {**FORMATS, **source}), MEMBER)

    def test_states(self) -> None:
        """Protected images are not deleted, deactivated ones not read, also by their owner."""
        self.api.caller = MEMBER
        protected = self.active({"x-image-meta-protected": "True"})
        deactivated = self.in_status(Status.DEACTIVATED)
        unreadable = self.active({"x-image-meta-disk_format": "vhd"})
        self.assert_untouched(403, ("DELETE", f"/v1/images/{protected}"), MEMBER, ADMIN)
        self.assert_untouched(403, ("GET", f"/v1/images/{deactivated}"), MEMBER)
        self.assert_untouched(403, ("GET", f"/v1/images/{unreadable}"), MEMBER, ADMIN)

    def test_the_spies(self) -> None:
        """What is not refused is noticed, in each of the stores."""
        paths = self.images()
        self.assertEqual(self.used(), [["add"], ["add"], ["probe"]])
        for path in paths:
            self.assertEqual(self.request("GET", path).status, 200)
        self.assertEqual(self.used(), [["open"], ["open"], ["open"]])
        self.assertEqual(self.request("GET", f"/v1/images/{AN_ID}").status, 404)
        self.assertEqual(self.used(), [[], [], []])
