"""Members of images, and what is shared with somebody (contract §2.2)."""

from __future__ import annotations

import json
from typing import Any

from glancetx.access import Caller
from glancetx.change import Change, move
from glancetx.image import Image, Status, Visibility
from glancetx.limits import Limits
from tests.web.api import Api
from tests.web.v1.case import ADMIN, AN_ID, HELLO, OWNER, STRANGER, ApiCase

MEMBER = STRANGER
ANONYMOUS = Caller()
NO_PROJECT = Caller(is_authenticated=True)

CAN_SHARE = {"member": {"can_share": True}}


def tenant(name: str) -> Caller:
    return Caller(owner=name, is_authenticated=True)


class MembersCase(ApiCase):
    """A tenant has an image, which is not public, and asks unless a test says otherwise."""

    def setUp(self) -> None:
        super().setUp()
        self.api.caller = OWNER
        self.image_id = self.active()

    def as_(self, caller, method, path, document=None):
        """The answer to somebody; a document that is not bytes is sent as JSON."""
        before, self.api.caller = self.api.caller, caller
        is_raw = document is None or isinstance(document, bytes)
        body = document if is_raw else json.dumps(document).encode()
        try:
            return self.request(method, path, None, body)
        finally:
            self.api.caller = before

    def path(self, member=None, image_id=None):
        path = f"/v1/images/{image_id or self.image_id}/members"
        return path if member is None else f"{path}/{member}"

    def add(self, member, document=None, caller=OWNER):
        return self.as_(caller, "PUT", self.path(member), document)

    def replace(self, document=None, caller=OWNER):
        return self.as_(caller, "PUT", self.path(), document)

    def remove(self, member, caller=OWNER):
        return self.as_(caller, "DELETE", self.path(member))

    def share(self, *members):
        """Let these be members; those with a + may share."""
        for member in members:
            name = member.rstrip("+")
            self.assert_done(self.add(name, {"member": {"can_share": member != name}}))

    def shares(self, caller=OWNER):
        """The members that a caller sees, with a + when they may share."""
        response = self.as_(caller, "GET", self.path())
        self.assert_status(response, 200)
        members = json.loads(response.body)["members"]
        return [each["member_id"] + "+" * each["can_share"] for each in members]

    def assert_done(self, response):
        """204 as it is on the wire: no body, no type, no length."""
        self.assert_status(response, 204)
        self.assertEqual(response.body, b"")
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
            self.assertIsNone(response.header(name), name)


class ListTests(MembersCase):
    """Who is told of which members."""

    def test_none(self):
        """An image that is not shared has no members (M-01)."""
        response = self.request("GET", self.path())
        self.assert_status(response, 200)
        self.assertEqual(response.body, b'{"members": []}')
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(response.header("Content-Length"), "15")

    def test_document(self):
        """Each member has two keys."""
        self.share("t2")
        self.assertEqual(
            self.request("GET", self.path()).body,
            b'{"members": [{"member_id": "t2", "can_share": false}]}',
        )

    def test_order(self):
        """Members stand in the order in which they came."""
        self.share("z", "a", "m", "a+")
        for caller in (OWNER, ADMIN):
            self.assertEqual(self.shares(caller), ["z", "a+", "m"])

    def test_member(self):
        """A member sees himself only (M-23)."""
        self.share("t2", "t3", "t4", "t5", "t6+")
        self.assertEqual(self.shares(tenant("t3")), ["t3"])
        self.assertEqual(self.shares(tenant("t6")), ["t6+"])

    def test_public(self):
        """Whoever sees an image without being a member sees no members."""
        self.share("t3")
        self.request("PUT", f"/v1/images/{self.image_id}", {"x-image-meta-is_public": "True"})
        for caller in (STRANGER, NO_PROJECT, ANONYMOUS):
            self.assertEqual(self.shares(caller), [])
        self.assertEqual(self.shares(tenant("t3")), ["t3"])

    def test_somebody_elses(self):
        """Members of an image that one does not see are not found (M-26, R29)."""
        for caller in (STRANGER, NO_PROJECT, ANONYMOUS):
            self.assert_status(
                self.as_(caller, "GET", self.path()),
                404,
                f"Image with identifier {self.image_id} not found",
            )
        self.assert_status(self.add("x", caller=STRANGER), 404, "not found")
        self.assert_status(self.replace({"memberships": []}, STRANGER), 404, "not found")
        self.assert_status(self.remove("x", STRANGER), 404, "not found")

    def test_deleted(self):
        """Members of a deleted image are gone, and operators are told so (M-22)."""
        self.share("t2")
        self.delete(self.image_id)
        for method, path in (
            ("GET", self.path()),
            ("PUT", self.path("t2")),
            ("DELETE", self.path("t2")),
        ):
            self.assert_status(self.as_(ADMIN, method, path), 404, "has been deleted")
            self.assert_status(self.as_(OWNER, method, path), 404, "not found")
        self.assert_status(self.as_(MEMBER, "GET", self.path()), 404, "not found")

    def test_while_it_is_deleted(self):
        """An image that is being deleted counts as deleted."""
        self.share("t2")
        self.do(
            self.api.registry.update(self.image_id, move(Status.PENDING_DELETE), {Status.ACTIVE})
        )
        self.assert_status(self.as_(ADMIN, "GET", self.path()), 404, "has been deleted")
        self.assert_status(self.as_(MEMBER, "HEAD", f"/v1/images/{self.image_id}"), 404)

    def test_no_such_image(self):
        """Members of no image are not found, also for operators."""
        for caller in (OWNER, ADMIN):
            for method in ("GET", "PUT"):
                response = self.as_(caller, method, self.path(image_id=AN_ID), {"memberships": []})
                self.assert_status(response, 404, "not found")


class AddTests(MembersCase):
    """Members are added, and changed."""

    def test_without_body(self):
        """A new member may not share, and sees the image from now on (M-02)."""
        image = f"/v1/images/{self.image_id}"
        self.assert_status(self.as_(MEMBER, "HEAD", image), 404)
        self.assert_done(self.add("t2"))
        self.assertEqual(self.shares(), ["t2"])
        self.assert_status(self.as_(MEMBER, "HEAD", image), 200)
        self.assertEqual(self.as_(MEMBER, "GET", image).body, HELLO)

    def test_can_share(self):
        """A member may be allowed to share (M-03)."""
        self.share("t2")
        self.assert_done(self.add("t2", CAN_SHARE))
        self.assertEqual(self.shares(), ["t2+"])

    def test_again_without_body(self):
        """A member of whom nothing is said stays as he is (M-04)."""
        self.share("t2+")
        empty: list[Any] = [None, {}, [], {"member": {}}, {"member": []}]
        for document in [*empty, {"x": {"can_share": False}}]:
            self.assert_done(self.add("t2", document))
            self.assertEqual(self.shares(), ["t2+"])

    def test_truth(self):
        """Any value counts by its truth, also the word false (M-05)."""
        for value, is_true in (
            ("false", True), ("", False), (0, False), (2, True), (None, False), ([0], True),
        ):  # fmt: skip
            self.assert_done(self.add("t4", {"member": {"can_share": value}}))
            self.assertEqual(self.shares(), ["t4" + "+" * is_true])

    def test_no_json(self):
        """A body that is not JSON is refused (M-06)."""
        for junk in (b"junk", b"{", b"\xff", b'{"member": NaN}', b"[" * 60000):
            self.assert_status(self.add("t8", junk), 400, "Malformed JSON in request body")
        self.assertEqual(self.shares(), [])

    def test_no_object(self):
        """A body that is something else than an object is refused (M-07)."""
        for document in ("x", 5, True, ["member"], {"member": None}, {"member": "can_share"}):
            self.assert_status(self.add("t8", document), 400, "Unexpected body type")
        self.assert_status(self.add("t8", b"null"), 400, "Unexpected body type")
        self.assertEqual(self.shares(), [])

    def test_content_type(self):
        """The content type does not matter."""
        for content_type in ("application/octet-stream", "text/plain", "x"):
            response = self.request(
                "PUT", self.path("t2"), {"Content-Type": content_type}, b'{"member": {}}'
            )
            self.assert_done(response)

    def test_chunked(self):
        """A body may come in chunks of any size."""
        body = json.dumps(CAN_SHARE).encode()
        chunks = [body[n : n + 1] for n in range(len(body))]
        self.assert_done(self.chunked("PUT", self.path("t2"), {}, *chunks))
        self.assertEqual(self.shares(), ["t2+"])

    def test_large_body(self):
        """A body of more than 64 KiB is refused, announced or not (R28)."""
        client = self.begin("PUT", self.path("t2"), {}, 65537)
        self.assert_status(client.response(), 413, "larger than 65536 bytes")
        response = self.chunked("PUT", self.path("t2"), {}, b" " * 40000, b" " * 30000)
        self.assert_status(response, 413, "larger than 65536 bytes")
        self.assert_done(self.add("t2", b"{}" + b" " * 65534))

    def test_slow_client(self):
        """A body that stops coming is given up with its client."""
        client = self.begin("PUT", self.path("t2"), {}, 100)
        client.send(b"{")
        self.api.clock.pump([30, 30])
        self.assertTrue(client.transport.disconnecting)
        client.disconnect()
        self.assertEqual(self.shares(), [])

    def test_member_without_the_right(self):
        """A member who may not share cannot add anybody (M-08)."""
        self.share("t2")
        self.assert_status(self.add("x", caller=MEMBER), 404, "No permission to share")
        self.assertEqual(self.shares(), ["t2"])

    def test_member_who_may_share(self):
        """A member who may share adds others (M-09)."""
        self.share("t2+")
        self.assert_done(self.add("x", CAN_SHARE, caller=MEMBER))
        self.assertEqual(self.shares(), ["t2+", "x+"])

    def test_sharing_member_and_the_others(self):
        """Whom he finds there he leaves as they are; himself he may change."""
        self.share("t2+", "t3+")
        self.assert_done(self.add("t3", caller=MEMBER))
        self.assert_done(self.add("t3", CAN_SHARE, caller=MEMBER))
        response = self.add("t3", {"member": {"can_share": False}}, caller=MEMBER)
        self.assert_status(response, 404, "No permission to share")
        self.assertEqual(self.shares(), ["t2+", "t3+"])
        self.assert_done(self.add("t2", {"member": {"can_share": False}}, caller=MEMBER))
        self.assertEqual(self.shares(), ["t2", "t3+"])

    def test_public(self):
        """Whoever merely sees an image cannot share it (M-10)."""
        self.api.caller = ADMIN
        self.put(self.image_id, {"x-image-meta-is_public": "True", "x-image-meta-owner": "t1"})
        self.assert_status(self.add("x", caller=STRANGER), 404, "No permission to share")

    def test_ownerless(self):
        """An image without an owner is shared by operators only."""
        self.do(self.api.registry.insert(Image(image_id=AN_ID)))
        path = self.path("x", AN_ID)
        self.assert_status(self.as_(OWNER, "PUT", path), 404, "No permission to share")
        self.assert_done(self.as_(ADMIN, "PUT", path))

    def test_no_project(self):
        """Whoever owns nothing and is no operator shares nothing, whatever he asks (M-11)."""
        self.api.caller = NO_PROJECT
        for response in (
            self.add("x", caller=NO_PROJECT),
            self.add("x", b"junk", caller=NO_PROJECT),
            self.replace(b"junk", caller=NO_PROJECT),
            self.remove("x", caller=NO_PROJECT),
            self.as_(NO_PROJECT, "PUT", self.path("x", AN_ID)),
        ):
            self.assert_status(response, 401, "No authenticated user")

    def test_read_only(self):
        """Whoever is not known changes nothing (M-27)."""
        for response in (
            self.add("x", caller=ANONYMOUS),
            self.replace(b"junk", caller=ANONYMOUS),
            self.remove("x", caller=ANONYMOUS),
            self.as_(ANONYMOUS, "PUT", self.path("x", AN_ID)),
        ):
            self.assert_status(response, 403, "Read-only access")

    def test_operator(self):
        """An operator shares any image, also one who belongs nowhere."""
        for caller in (ADMIN, Caller(is_admin=True)):
            self.assert_done(self.add("t2", caller=caller))
            self.assert_done(self.remove("t2", caller=caller))

    def test_comes_back(self):
        """A removed member can be added again, with a body and without (M-25)."""
        self.share("t2+")
        self.assert_done(self.remove("t2"))
        self.assert_done(self.add("t2", {"member": {"can_share": False}}))
        self.assertEqual(self.shares(), ["t2"])
        self.assert_done(self.remove("t2"))
        self.assert_done(self.add("t2"))
        self.assertEqual(self.shares(), ["t2"])

    def test_any_name(self):
        """A member is any segment of a path, also the owner himself."""
        names = [("t1", "t1"), ("%20", " "), ("a%20b%C3%BC", "a bü"), ("members", "members")]
        names += [("m" * 255, "m" * 255)]
        for segment, name in names:
            self.assert_done(self.add(segment))
            self.assertEqual(self.shares()[-1], name)
            self.assert_done(self.remove(segment))

    def test_no_name(self):
        """NUL and endless names are refused (R28)."""
        for segment in ("a%00b", "m" * 256):
            for method in ("PUT", "DELETE"):
                response = self.request(method, self.path(segment))
                self.assert_status(response, 400, "A member id")
            self.assert_status(self.request("GET", f"/v1/shared-images/{segment}"), 400)
        self.assert_status(self.request("PUT", self.path("%FF")), 400)


class ReplaceTests(MembersCase):
    """All members at once."""

    def test_exactly(self):
        """The members are exactly those that are sent (M-14)."""
        self.share("z+")
        memberships = [{"member_id": "a", "can_share": True}, {"member_id": "b"}]
        self.assert_done(self.replace({"memberships": memberships}))
        self.assertEqual(self.shares(), ["a+", "b"])

    def test_keeps_what_is_not_said(self):
        """Whoever stays, or comes back, is as he was (M-15)."""
        self.share("a+", "b+")
        self.assert_done(self.replace({"memberships": [{"member_id": "a"}]}))
        self.assertEqual(self.shares(), ["a+"])
        self.assert_done(self.replace({"memberships": [{"member_id": "b"}]}))
        self.assertEqual(self.shares(), ["b+"])

    def test_single(self):
        """An object without memberships is one itself (M-16)."""
        self.share("a")
        self.assert_done(self.replace({"member_id": "c", "can_share": True}))
        self.assertEqual(self.shares(), ["c+"])

    def test_nobody(self):
        """An empty list removes everybody (M-17)."""
        self.share("a", "b")
        self.assert_done(self.replace({"memberships": []}))
        self.assertEqual(self.shares(), [])

    def test_no_memberships(self):
        """What is neither a list of memberships nor one is refused (M-18)."""
        self.share("a")
        documents: list[Any] = [
            {"members": []},
            {},
            {"memberships": [{}]},
            {"memberships": ["a"]},
            {"memberships": [None]},
            {"memberships": [{"member_id": None}]},
            {"memberships": [{"member_id": 5}]},
            {"memberships": [{"member_id": "b"}, {"can_share": True}]},
        ]
        for document in documents:
            response = self.replace(document)
            self.assert_status(response, 400, "Invalid membership association")
        for member in ("", "a\0", "\ud800", "m" * 256):
            response = self.replace({"memberships": [{"member_id": member}]})
            self.assert_status(response, 400, "A member id")
        self.assertEqual(self.shares(), ["a"])

    def test_no_body(self):
        """No body, null, or a list by itself is refused (M-19)."""
        self.share("a")
        for document in (None, b"", b"[]", b"null", b"5", {"memberships": None}):
            self.assert_status(self.replace(document), 400, "Unexpected body type")
        self.assert_status(self.replace(b"{"), 400, "Malformed JSON")
        self.assertEqual(self.shares(), ["a"])

    def test_same_name_twice(self):
        """Of one who is named twice the last counts."""
        memberships = [{"member_id": "a", "can_share": True}, {"member_id": "a", "can_share": 0}]
        self.assert_done(self.replace({"memberships": memberships}))
        self.assertEqual(self.shares(), ["a"])

    def test_by_members(self):
        """Members do not replace others, even when they may share."""
        self.share("t2", "t3+")
        for caller in (MEMBER, tenant("t3")):
            response = self.replace({"memberships": []}, caller)
            self.assert_status(response, 404, "No permission to share")
        self.assertEqual(self.shares(), ["t2", "t3+"])


class RemoveTests(MembersCase):
    """Members go."""

    def test_member(self):
        """A removed member does not see the image any more (M-13)."""
        self.share("t2")
        self.assert_done(self.remove("t2"))
        self.assertEqual(self.shares(), [])
        for method in ("HEAD", "GET"):
            response = self.as_(MEMBER, method, f"/v1/images/{self.image_id}")
            self.assertEqual(response.status, 404)

    def test_no_member(self):
        """Whoever is not a member cannot be removed (M-12)."""
        self.share("t2")
        self.assert_status(self.remove("zz"), 404, "Membership could not be found")
        self.assert_done(self.remove("t2"))
        self.assert_status(self.remove("t2"), 404, "Membership could not be found")

    def test_of_another_image(self):
        """What is done to a member of one image is not done to any other (R29)."""
        other = self.active()
        for image_id in (self.image_id, other):
            for member in ("t2+", "t3"):
                name, can_share = member.rstrip("+"), member.endswith("+")
                path, document = self.path(name, image_id), {"member": {"can_share": can_share}}
                self.assert_done(self.as_(OWNER, "PUT", path, document))
        self.assert_done(self.remove("t2"))
        self.assert_done(self.add("t3", {"member": {"can_share": True}}))
        self.assertEqual(self.shares(), ["t3+"])
        response = self.as_(OWNER, "GET", self.path(image_id=other))
        shares = {
            each["member_id"]: each["can_share"] for each in json.loads(response.body)["members"]
        }
        self.assertEqual(shares, {"t2": True, "t3": False})

    def test_by_sharing_member(self):
        """A member who may share removes himself, and nobody else."""
        self.share("t2+")
        self.assert_done(self.add("x", caller=MEMBER))
        response = self.remove("x", MEMBER)
        self.assert_status(response, 404, "Membership could not be found")
        self.assert_done(self.remove("t2", MEMBER))
        self.assertEqual(self.shares(), ["x"])

    def test_by_member(self):
        """A member who may not share does not remove himself either."""
        self.share("t2")
        self.assert_status(self.remove("t2", MEMBER), 404, "No permission to share")
        self.assertEqual(self.shares(), ["t2"])

    def test_body(self):
        """A body is ignored."""
        self.share("t2")
        self.assert_done(self.as_(OWNER, "DELETE", self.path("t2"), b"junk"))


class QuotaTests(MembersCase):
    """An image has at most so many members."""

    def make_api(self) -> Api:
        return Api(limits=Limits(image_member_quota=2))

    def test_one_too_many(self):
        """With as many members as are allowed none is added (M-20, R21)."""
        self.share("a", "b")
        response = self.add("c")
        self.assert_status(response, 413, "allowed image members. Attempted: 3, Maximum: 2")
        self.assertEqual(self.shares(), ["a", "b"])

    def test_change(self):
        """And none is changed (M-21)."""
        self.share("a", "b")
        self.assert_status(self.add("a", CAN_SHARE), 413, "Attempted: 3, Maximum: 2")
        self.assertEqual(self.shares(), ["a", "b"])

    def test_sharing_member(self):
        """All members count, also those whom the one who adds does not see."""
        self.share("t2+", "b")
        self.assert_status(self.add("c", caller=MEMBER), 413)

    def test_replace(self):
        """As many as are allowed can be replaced, and not more."""
        self.share("a", "b")
        for names, status in ("cd", 204), ("efg", 413):
            memberships = [{"member_id": name} for name in names]
            response = self.replace({"memberships": memberships})
            self.assert_status(response, status)
        self.assert_status(response, 413, "Attempted: 3, Maximum: 2")
        self.assertEqual(self.shares(), ["c", "d"])

    def test_removed_do_not_count(self):
        """Who goes makes room."""
        self.share("a", "b")
        self.remove("a")
        self.share("c")


class NoQuotaTests(MembersCase):
    """The ends of the scale."""

    def make_api(self) -> Api:
        return Api(limits=Limits(image_member_quota=0))

    def test_zero(self):
        """A quota of 0 lets nobody be a member (F-04)."""
        self.assert_status(self.add("a"), 413, "Attempted: 1, Maximum: 0")
        self.assert_status(self.replace({"member_id": "a"}), 413)
        self.assert_done(self.replace({"memberships": []}))

    def test_negative(self):
        """A negative one lifts the limit."""
        self.api = Api(limits=Limits(image_member_quota=-1), caller=OWNER)
        self.image_id = self.active()
        memberships = [{"member_id": str(n)} for n in range(200)]
        self.assert_done(self.replace({"memberships": memberships}))
        self.assert_done(self.add("one-more"))
        self.assertEqual(len(self.shares()), 201)


class SharedImagesTests(MembersCase):
    """What is shared with somebody."""

    def shared(self, member, caller):
        response = self.as_(caller, "GET", f"/v1/shared-images/{member}")
        self.assert_status(response, 200)
        return [each["image_id"] for each in json.loads(response.body)["shared_images"]]

    def test_who_is_told(self):
        """The member and the owner are told, a stranger is not, an operator always (M-24)."""
        self.share("t2")
        told = [self.image_id]
        for caller, expected in (
            (MEMBER, told),
            (OWNER, told),
            (tenant("t3"), []),
            (NO_PROJECT, []),
            (ANONYMOUS, []),
            (ADMIN, told),
        ):
            self.assertEqual(self.shared("t2", caller), expected, caller)

    def test_document(self):
        """Each membership has two keys; HEAD has the headers only."""
        self.share("t2+")
        response = self.request("GET", "/v1/shared-images/t2")
        row = f'{{"image_id": "{self.image_id}", "can_share": true}}'
        self.assertEqual(response.body, b'{"shared_images": [%b]}' % row.encode())
        self.assertEqual(response.header("Content-Type"), "application/json")
        head = self.request("HEAD", "/v1/shared-images/t2")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.header("Content-Length"), str(len(response.body)))

    def test_own_only(self):
        """An owner is told of his own images, and not of those of others."""
        self.share("t2")
        self.api.caller = tenant("t5")
        other = self.active()
        self.as_(tenant("t5"), "PUT", self.path("t2", other))
        self.assertEqual(self.shared("t2", OWNER), [self.image_id])
        self.assertEqual(self.shared("t2", tenant("t5")), [other])
        self.assertEqual(self.shared("t2", MEMBER), [other, self.image_id])

    def test_nobody(self):
        """With an unknown member nothing is shared."""
        for caller in (OWNER, ADMIN, ANONYMOUS):
            self.assertEqual(self.shared("nobody", caller), [])

    def test_deleted(self):
        """A deleted image is shared with nobody."""
        self.share("t2")
        self.delete(self.image_id)
        for caller in (MEMBER, OWNER, ADMIN):
            self.assertEqual(self.shared("t2", caller), [])


class SeeTests(MembersCase):
    """What a member may do with an image besides sharing it."""

    def test_whose(self):
        """Own, shared and public images are seen, another's is not (A-11)."""
        self.share("t2")
        self.api.caller = OWNER
        private = self.active()
        public = self.active({"x-image-meta-is_public": "True"})
        self.api.caller = MEMBER
        own = self.active()
        for image_id, status in (own, 200), (private, 404), (self.image_id, 200), (public, 200):
            self.assertEqual(self.head(image_id).status, status)
            self.assertEqual(self.get(image_id).status, status)

    def test_not_of_another_visibility(self):
        """Membership of an image that is private, and not shared, grants nothing (R5)."""
        self.share("t2")
        change = Change(values={"visibility": Visibility.PRIVATE})
        self.do(self.api.registry.update(self.image_id, change, {Status.ACTIVE}))
        self.assert_status(self.as_(MEMBER, "HEAD", f"/v1/images/{self.image_id}"), 404)

    def test_change(self):
        """
        A member changes and deletes nothing (U-20) (D-08) (E-02).

        To him there is no such image, protected or not.
        """
        self.share("t2+")
        for is_protected in ("False", "True"):
            self.api.caller = OWNER
            self.put(self.image_id, {"x-image-meta-protected": is_protected})
            self.api.caller = MEMBER
            before = self.record(self.image_id)
            response = self.put(self.image_id, {"x-image-meta-name": "x"})
            self.assert_status(response, 404, "not found")
            self.assert_status(self.delete(self.image_id), 404, "not found")
            self.assertEqual(self.record(self.image_id), before)

    def test_public(self):
        """A public image of another is seen, and not changed (A-10)."""
        public = self.active({"x-image-meta-is_public": "True"})
        self.api.caller = STRANGER
        self.assert_status(self.put(public, {"x-image-meta-name": "x"}), 403, "Forbidden to update")
        self.assert_status(self.delete(public), 403, "Forbidden to delete")


class MethodTests(MembersCase):
    """Methods that these paths do not offer (§2.1)."""

    def assert_not_allowed(self, methods, path, allow):
        for method in methods:
            response = self.request(method, path)
            self.assertEqual((method, response.status), (method, 405))
            self.assertEqual(response.header("Allow"), allow, method)

    def test_one_by_get(self):
        """A single member cannot be read, and no hint is given what can be done (R-11)."""
        self.assert_not_allowed(["GET"], self.path("t2"), None)
        self.assert_not_allowed(["GET"], self.path("t2", AN_ID), None)

    def test_one(self):
        """Other methods get the hint (R20)."""
        self.assert_not_allowed(
            ["HEAD", "POST", "PATCH", "OPTIONS", "FOO"], self.path("t2"), "GET, PUT, DELETE"
        )

    def test_all(self):
        """All members can be listed and replaced (R-12)."""
        self.assert_not_allowed(
            ["POST", "HEAD", "DELETE", "PATCH", "OPTIONS", "FOO"], self.path(), "GET, PUT"
        )

    def test_shared_images(self):
        """What is shared can only be read."""
        self.assert_not_allowed(
            ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"], "/v1/shared-images/t2", "GET, HEAD"
        )

    def test_no_such_path(self):
        """A slash more or a segment less is no path of these."""
        for path in (
            f"{self.path()}/",
            f"{self.path('t2')}/",
            f"{self.path('t2')}/x",
            "/v1/shared-images",
            "/v1/shared-images/",
            "/v1/shared-images/t2/",
        ):
            self.assert_status(self.request("GET", path), 404)
