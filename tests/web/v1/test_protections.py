"""Property protections (contract §9.6): whom properties are for."""

from __future__ import annotations

import json

from glancetx.access import OPERATOR
from glancetx.limits import Limits
from glancetx.policy.protections_file import read_protections
from tests.web.api import FORMATS, Api, policy
from tests.web.v1.case import AN_ID, HELLO, ApiCase
from tests.web.v1.test_policy import ADMIN, MEMBER

FILE = b"""
[^open_]
create = @
read = @
update = @
delete = @

[^fixed_]
create = @
read = @
update = admin
delete = admin

[^hidden_]
create = Member, admin
read = ADMIN
update = @
delete = @

[^granted_]
create = admin
read = member, admin
update = member
delete = member

[^op]
create = @
read = @
update = @
delete = @
"""

CASE = "x-image-meta-property-"
KEEP = {"x-glance-registry-purge-props": "False"}


class ProtectionCase(ApiCase):
    """Whoever asks is a member of a project; properties are protected as in `FILE`."""

    def make_api(self):
        rules = policy()
        return Api(
            caller=MEMBER,
            policy=rules,
            protections=read_protections(FILE, "roles", rules),
            limits=Limits(image_property_quota=3),
        )

    def with_properties(self, **properties):
        """The id of a new image of the member's, made by the operator."""
        self.api.caller = OPERATOR
        headers = {CASE + key: value for key, value in properties.items()}
        image_id = self.queued({**headers, "x-image-meta-owner": "t1"})
        self.api.caller = MEMBER
        return image_id

    def put_properties(self, image_id, headers=None, **properties):
        sent = {CASE + key: value for key, value in properties.items()}
        return self.put(image_id, {**sent, **(headers or {})})

    def assert_properties(self, image_id, **properties):
        """What the record has, whoever may read it."""
        self.assertEqual(dict(self.record(image_id).properties), properties)

    def assert_protected(self, response, key):
        self.assert_status(response, 403, f"Property '{key}' is protected")

    def shown(self, image_id):
        """The properties that HEAD shows."""
        return _properties(self.head(image_id))


def _properties(response):
    """Those in the headers of an answer."""
    return {
        name.decode().lower().removeprefix(CASE): values[0].decode()
        for name, values in response.headers.getAllRawHeaders()
        if name.decode().lower().startswith(CASE)
    }


class CreateTests(ProtectionCase):
    """Properties of new images."""

    def test_no_section(self):
        """A key in no section is closed, and no image is made (P-01)."""
        self.assert_protected(self.post({CASE + "other": "x", "x-image-meta-id": AN_ID}), "other")
        self.assert_no_record()

    def test_unreadable(self):
        """What may be created is in the answer, also when it may not be read later (P-02)."""
        document = self.create({CASE + "hidden_a": "x", CASE + "open_a": "y"})
        self.assertEqual(document["properties"], {"hidden_a": "x", "open_a": "y"})
        self.assertEqual(self.shown(document["id"]), {"open_a": "y"})

    def test_data(self):
        """A POST whose properties are refused brings no bytes."""
        response = self.post({**FORMATS, CASE + "granted_a": "x"}, HELLO)
        self.assert_protected(response, "granted_a")
        self.assertEqual(self.stored(), {})

    def test_first_section(self):
        """The first section that fits decides, and a later one that allows more does not (R8)."""
        self.assertEqual(self.post({CASE + "operating": "x"}).status, 201)
        self.assert_protected(self.post({CASE + "granted_op": "x"}), "granted_op")

    def test_roles(self):
        """A role of the list is enough, in whatever case."""
        self.api.caller = ADMIN
        self.create({CASE + "granted_a": "x", CASE + "hidden_a": "y"})

    def test_keys_as_stored(self):
        """Keys are compared in lower case and with underscores, as they are kept."""
        self.create({"X-Image-Meta-Property-Open-A": "x"})

    def test_without_authentication(self):
        """Where nobody authenticates everything is open."""
        self.api.caller = OPERATOR
        image_id = self.queued({CASE + "other": "x"})
        self.assertEqual(self.shown(image_id), {"other": "x"})


class ReadTests(ProtectionCase):
    """What is shown."""

    def test_everywhere(self):
        """What may not be read is left out of HEAD, GET and the answer to a PUT."""
        image_id = self.active({CASE + "hidden_a": "x", CASE + "open_a": "y"})
        for response in (self.head(image_id), self.get(image_id)):
            self.assertEqual(_properties(response), {"open_a": "y"})
        document = self.document(self.put(image_id, {"x-image-meta-name": "n", **KEEP}))
        self.assertEqual(document["properties"], {"open_a": "y"})

    def test_detail(self):
        """It is left out of a detailed list (P-08)."""
        self.with_properties(hidden_a="x", open_a="y")
        (image,) = json.loads(self.request("GET", "/v1/images/detail").body)["images"]
        self.assertEqual(image["properties"], {"open_a": "y"})


class UpdateTests(ProtectionCase):
    """Properties that an image has, or gets."""

    def test_not_updatable(self):
        """What may be read and not updated may be sent as it is (P-03)."""
        image_id = self.with_properties(fixed_a="x")
        self.assert_protected(self.put_properties(image_id, fixed_a="y"), "fixed_a")
        self.assert_status(self.put_properties(image_id, fixed_a="x"), 200)
        self.assert_properties(image_id, fixed_a="x")

    def test_unreadable(self):
        """What may not be read may not be sent, not even as it is (P-04)."""
        image_id = self.with_properties(hidden_a="x")
        for value in "xy":
            self.assert_protected(self.put_properties(image_id, hidden_a=value), "hidden_a")
        self.assert_properties(image_id, hidden_a="x")

    def test_new(self):
        """A new one must be his to create (P-07)."""
        image_id = self.with_properties(open_a="x")
        response = self.put_properties(image_id, open_a="y", granted_a="x")
        self.assert_protected(response, "granted_a")
        self.assert_properties(image_id, open_a="x")
        self.assert_status(self.put_properties(image_id, open_a="y", open_b="z"), 200)
        self.assert_properties(image_id, open_a="y", open_b="z")

    def test_granted(self):
        """What is his to change he changes, though he could not create it."""
        image_id = self.with_properties(granted_a="x")
        self.assert_status(self.put_properties(image_id, granted_a="y"), 200)
        self.assert_properties(image_id, granted_a="y")


class DeleteTests(ProtectionCase):
    """Properties that a PUT purges."""

    def test_undeletable(self):
        """What may be read and not deleted must be sent again, or kept (P-05)."""
        image_id = self.with_properties(fixed_a="x")
        self.assert_protected(self.put(image_id, {"x-image-meta-name": "n"}), "fixed_a")
        self.assert_kept(image_id, "queued", name=None)
        self.assert_status(self.put(image_id, {"x-image-meta-name": "n", **KEEP}), 200)
        self.assert_properties(image_id, fixed_a="x")

    def test_unreadable(self):
        """What may not be read stays, and nobody says so (P-06)."""
        image_id = self.with_properties(hidden_a="x", open_a="y")
        document = self.document(self.put(image_id, {"x-image-meta-name": "n"}))
        self.assertEqual(document["properties"], {})
        self.api.caller = ADMIN
        self.assertEqual(self.shown(image_id), {"hidden_a": "x"})

    def test_deletable(self):
        """What may be read and deleted is gone."""
        image_id = self.with_properties(open_a="x", granted_a="y")
        self.assert_status(self.put(image_id), 200)
        self.assert_properties(image_id)

    def test_quota(self):
        """What stays unseen counts."""
        image_id = self.with_properties(hidden_a="x", hidden_b="x")
        response = self.put_properties(image_id, open_a="x", open_b="x")
        self.assert_status(response, 413, "Attempted: 4, Maximum: 3")
