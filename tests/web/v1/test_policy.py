"""Policies (contract §9.3): what rules decide, when they are asked, and what they never touch."""

from __future__ import annotations

import json
from typing import Any

from glancetx.access import OPERATOR, Caller, Identity
from tests.elsewhere import HERE, Elsewhere
from tests.web.api import FORMATS, Api, policy
from tests.web.v1.case import AN_ID, HELLO, ApiCase

URL = HERE


def caller(*roles: str, project: str = "t1") -> Caller:
    """Somebody with these roles in a project."""
    identity = Identity(user="u1", project=project, roles=frozenset(roles))
    is_admin = "admin" in roles
    return Caller(identity=identity, owner=project, is_admin=is_admin, is_authenticated=True)


MEMBER, ADMIN = caller("member"), caller("admin", project="t9")


class PolicyCase(ApiCase):
    """Whoever asks is a member of a project, and the rules are those that a test sets."""

    def make_api(self):
        self.elsewhere = Elsewhere()
        return self.with_policy(policy())

    def with_policy(self, rules, **parts):
        """A server with these rules, which reads from elsewhere."""
        return Api(caller=MEMBER, policy=rules, more_stores=(self.elsewhere.shelved,), **parts)

    def with_rules(self, **rules):
        """A new server with these rules, in which the images are kept."""
        old = self.api
        self.api = self.with_policy(policy(**rules), registry=old.registry, store=old.store)

    def assert_denied(self, response):
        """403, and nothing that tells why."""
        self.assert_status(response, 403)
        self.assertEqual(
            response.body, b"403 Forbidden\n\nAccess was denied to this resource.\n\n   "
        )


class ImageTests(PolicyCase):
    """Rules about images."""

    def test_list(self):
        """Without get_images nobody lists, and single images are shown (L-29)."""
        image_id = self.queued()
        self.with_rules(get_images="!")
        for path in ("/v1/", "/v1/images", "/v1/images/detail", "/v1/images?limit=x"):
            self.assert_denied(self.request("GET", path))
        self.assert_status(self.head(image_id), 200)

    def test_show(self):
        """Without get_image one is neither shown nor given, but listed and changed (A-12)."""
        image_id = self.active()
        self.with_rules(get_image="!")
        self.assert_denied(self.get(image_id))
        self.assertEqual(self.head(image_id).status, 403)
        self.assert_status(self.request("GET", "/v1/images"), 200)
        self.assert_status(self.put(image_id, {"x-image-meta-name": "n"}), 200)

    def test_download(self):
        """Without download_image there are no bytes, but the metadata (A-13)."""
        image_id = self.active()
        self.with_rules(download_image="!")
        self.assert_denied(self.get(image_id))
        self.assert_status(self.head(image_id), 200)

    def test_download_of_nothing(self):
        """Who may download nothing is not told what there is (O-19)."""
        queued = self.queued()
        self.with_rules(download_image="!")
        self.assert_denied(self.get(AN_ID))
        self.assert_denied(self.get(queued))
        self.with_rules(download_image="'raw':%(disk_format)s")
        self.assert_denied(self.get(AN_ID))
        self.with_rules(download_image="not 'raw':%(disk_format)s")
        self.assert_status(self.get(AN_ID), 404)
        self.assert_status(self.get(queued), 404)

    def test_download_of_a_kind(self):
        """The rule asks about the image's attributes (A-14)."""
        raw, qcow2 = self.active(), self.active({"x-image-meta-disk_format": "qcow2"})
        self.with_rules(download_image="not 'raw':%(disk_format)s")
        self.assert_denied(self.get(raw))
        self.assert_status(self.get(qcow2), 200, "hello")

    def test_download_by_attributes_and_properties(self):
        """It sees properties too, but none of them hides an attribute."""
        image_id = self.active(
            {"x-image-meta-property-level": "secret", "x-image-meta-property-owner": "t2"}
        )
        for rule, status in {
            "'secret':%(level)s": 200,
            "'public':%(level)s": 403,
            "tenant:%(owner)s": 200,
            "project_id:%(owner)s and user_id:u1": 200,
            "False:%(is_public)s and 'active':%(status)s and 5:%(size)s": 200,
            "'x':%(absent)s or not 'x':%(absent)s": 200,
        }.items():
            self.with_rules(download_image=rule)
            self.assertEqual(self.get(image_id).status, status, rule)

    def test_upload(self):
        """Without upload_image no bytes come in, however they would (A-15)."""
        self.with_rules(upload_image="!")
        self.assert_denied(self.post(FORMATS, HELLO))
        self.assert_denied(self.chunked("POST", "/v1/images", FORMATS, HELLO))
        self.assert_denied(self.post({**FORMATS, "x-glance-api-copy-from": URL}))
        image_id = self.queued(FORMATS)  # which brings nothing, and may
        self.assert_denied(self.put(image_id, FORMATS, HELLO))
        self.assert_denied(self.put(image_id, {"x-glance-api-copy-from": URL}))
        self.assert_kept(image_id, "queued")
        self.assertEqual(self.elsewhere.asked, [])
        self.create({**FORMATS, "x-image-meta-location": URL})

    def test_copy(self):
        """Without copy_from nothing is copied; an empty header copies nothing (A-16)."""
        self.with_rules(copy_from="!")
        self.assert_denied(self.post({**FORMATS, "x-glance-api-copy-from": URL}))
        image_id = self.queued(FORMATS)
        self.assert_denied(self.put(image_id, {"x-glance-api-copy-from": URL}))
        self.assert_status(self.post({**FORMATS, "x-glance-api-copy-from": ""}), 400)

    def test_location(self):
        """Without set_image_location nobody names one, of whatever kind (A-17)."""
        self.with_rules(set_image_location="!")
        for location in (URL, "file:///etc/passwd", ""):
            self.assert_denied(self.post({**FORMATS, "x-image-meta-location": location}))
        image_id = self.queued(FORMATS)
        self.assert_denied(self.put(image_id, {"x-image-meta-location": URL}))
        self.assert_status(self.put(AN_ID, {"x-image-meta-location": URL}), 404)
        self.assertEqual(self.elsewhere.asked, [])
        self.create({**FORMATS, "x-glance-api-copy-from": URL})

    def test_location_is_not_asked(self):
        """The location of an image is never shown, so nobody asks who may see it (A-18, R3)."""
        image_id = self.active()
        self.with_rules(get_image_location="!")
        self.assert_status(self.head(image_id), 200)
        self.assert_status(self.get(image_id), 200)

    def test_delete(self):
        """Without delete_image nothing is deleted, nor said about unknown ids (A-21) (D-19)."""
        image_id = self.active()
        self.assert_status(self.delete(AN_ID), 404)
        self.with_rules(delete_image="!")
        self.assert_denied(self.delete(AN_ID))
        self.assert_denied(self.delete(image_id))
        self.assert_kept(image_id, "active")

    def test_add(self):
        """Without add_image nothing is made; a wrong header is told of before (H-35)."""
        self.with_rules(add_image="!")
        self.assert_denied(self.post({"x-image-meta-id": AN_ID}))
        self.assert_status(self.post({"x-image-meta-oops": "1"}), 400, "Bad header")
        self.assert_status(self.head(AN_ID), 404)

    def test_modify(self):
        """Without modify_image nothing is changed, nor said about unknown ids."""
        image_id = self.queued()
        self.with_rules(modify_image="!")
        self.assert_denied(self.put(image_id, {"x-image-meta-name": "n"}))
        self.assert_denied(self.put(AN_ID))
        self.assert_kept(image_id, "queued", name=None)


class PublishingTests(PolicyCase):
    """Who makes images public."""

    def test_new_images(self):
        """An admin does, as shipped, and nobody else (A-06, R9)."""
        headers = {"x-image-meta-is_public": "True", "x-image-meta-id": AN_ID}
        self.assert_denied(self.post(headers))
        self.api.caller = ADMIN
        self.assertTrue(self.create(headers)["is_public"])

    def test_own_images(self):
        """The owner of an image does not, as shipped, and it stays as it is (U-16, R9)."""
        image_id = self.active()
        before = self.record(image_id)
        self.assert_denied(self.put(image_id, {"x-image-meta-is_public": "True"}))
        self.assertEqual(self.record(image_id), before)

    def test_taking_back(self):
        """Who owns an image that is public already edits it, and takes it back."""
        self.api.caller = ADMIN
        image_id = self.active({"x-image-meta-is_public": "True", "x-image-meta-owner": "t1"})
        self.api.caller = MEMBER
        self.assert_status(self.put(image_id, {"x-image-meta-name": "n"}), 200)
        self.assert_status(self.put(image_id, {"x-image-meta-is_public": "False"}), 200)
        self.assert_denied(self.put(image_id, {"x-image-meta-is_public": "True"}))

    def test_everybody(self):
        """An operator may open it to everybody, but not by the default rule (R9)."""
        self.with_rules(publicize_image="")
        self.create({"x-image-meta-is_public": "True"})
        self.with_rules(default="")
        self.assert_denied(self.post({"x-image-meta-is_public": "True"}))


class MemberTests(PolicyCase):
    """Rules about members."""

    def setUp(self):
        super().setUp()
        self.image_id = self.queued()

    def members(self, method, member="", body=None):
        path = f"/v1/images/{self.image_id}/members{member}"
        return self.request(method, path, body=body)

    def test_modify(self):
        """modify_member is asked, and add_member never (A-19)."""
        self.with_rules(add_member="!", get_member="!")
        self.assert_status(self.members("PUT", "/t2"), 204)
        self.with_rules(modify_member="!")
        self.assert_denied(self.members("PUT", "/t3"))
        self.assert_denied(self.members("PUT", body=b"no json"))
        self.assertIn(b"t2", self.members("GET").body)

    def test_list(self):
        """get_members is asked about an image's members, and not about shared images (A-20)."""
        self.with_rules(get_members="!")
        self.assert_denied(self.members("GET"))
        self.assert_denied(self.request("GET", f"/v1/images/{AN_ID}/members"))
        self.assert_status(self.request("GET", "/v1/shared-images/t2"), 200)

    def test_delete(self):
        """delete_member is asked, also about images that are not there."""
        self.members("PUT", "/t2")
        self.with_rules(delete_member="!")
        self.assert_denied(self.members("DELETE", "/t2"))
        self.assert_denied(self.request("DELETE", f"/v1/images/{AN_ID}/members/t2"))
        self.assertIn(b"t2", self.members("GET").body)


class WhoTests(PolicyCase):
    """Whom rules apply to."""

    RULES = {"get_images": "!", "add_image": "!", "publicize_image": "!"}

    def test_admins(self):
        """Admins too: rules are asked of everybody whom an authenticator has recognised."""
        self.with_rules(**self.RULES)
        self.api.caller = ADMIN
        self.assert_denied(self.request("GET", "/v1/images"))
        self.assert_denied(self.post())

    def test_without_authentication(self):
        """Where nobody authenticates everybody has every right, also to publish."""
        self.with_rules(**self.RULES)
        self.api.caller = OPERATOR
        self.assert_status(self.request("GET", "/v1/images"), 200)
        self.assertTrue(self.create({"x-image-meta-is_public": "True"})["is_public"])

    def test_strangers(self):
        """Those whom nobody knows have no role, no project and no user."""
        self.api.caller = Caller()
        self.with_rules(get_images="project_id:None or user_id:None or roles:None or role:")
        self.assert_denied(self.request("GET", "/v1/images"))


class Spy:
    """Notes every use of an object, and passes it on."""

    def __init__(self, spied):
        self._spied = spied
        self.used: list[str] = []

    def __getattr__(self, name):
        self.used.append(name)
        return getattr(self._spied, name)


class NothingTouchedTests(PolicyCase):
    """A request that is refused reaches neither the registry nor a store."""

    def test_every_rule(self):
        """Every refusal comes before anything is asked of anybody (R1)."""
        image_id = self.active()
        image, members = f"/v1/images/{image_id}", f"/v1/images/{image_id}/members"
        public = {"x-image-meta-is_public": "True"}
        copied = {**FORMATS, "x-glance-api-copy-from": URL}
        refused: dict[str, list[tuple[Any, ...]]] = {
            "get_images": [("GET", "/v1/images"), ("GET", "/v1/images/detail?marker=" + image_id)],
            "get_image": [("GET", image), ("HEAD", image)],
            "add_image": [("POST", "/v1/images"), ("POST", "/v1/images", FORMATS, HELLO)],
            "modify_image": [("PUT", image), ("PUT", image, FORMATS, HELLO)],
            "publicize_image": [("POST", "/v1/images", public), ("PUT", image, public)],
            "copy_from": [("POST", "/v1/images", copied), ("PUT", image, copied)],
            "upload_image": [("POST", "/v1/images", FORMATS, HELLO), ("PUT", image, {}, HELLO)],
            "set_image_location": [("POST", "/v1/images", {"x-image-meta-location": URL})],
            "delete_image": [("DELETE", image)],
            "get_members": [("GET", members)],
            "modify_member": [("PUT", members, {}, b"{}"), ("PUT", members + "/t2")],
            "delete_member": [("DELETE", members + "/t2")],
        }
        for rule, requests in refused.items():
            for request in requests:
                registry, store = Spy(self.api.registry), Spy(self.api.store)
                api = Api(
                    caller=ADMIN, policy=policy(**{rule: "!"}), registry=registry, store=store
                )
                registry.used.clear()
                store.used.clear()
                self.assertEqual(api.request(*request).status, 403, (rule, request))
                self.assertEqual(registry.used + store.used, [], (rule, request))

    def test_a_download(self):
        """download_image is asked when the record is known, and before a store is."""
        image_id = self.active()
        store = Spy(self.api.store)
        api = Api(
            caller=MEMBER,
            policy=policy(download_image="not 'raw':%(disk_format)s"),
            registry=self.api.registry,
            store=store,
        )
        store.used.clear()
        self.assertEqual(api.request("GET", f"/v1/images/{image_id}").status, 403)
        self.assertEqual(store.used, [])

    def test_the_spies(self):
        """What is not refused is noticed."""
        registry, store = Spy(self.api.registry), Spy(self.api.store)
        api = Api(caller=MEMBER, policy=policy(), registry=registry, store=store)
        answer = api.request("POST", "/v1/images", FORMATS, HELLO)
        image_id = json.loads(answer.body)["image"]["id"]
        self.assertIn("insert", registry.used)
        self.assertIn("add", store.used)
        api.request("GET", f"/v1/images/{image_id}")
        self.assertIn("open", store.used)
