"""The rules that are asked about, and what they are when no file says otherwise."""

from __future__ import annotations

from attrs import frozen

EVERYBODY = "@"
ADMIN = "role:admin"


@frozen
class ShippedRule:
    """``asked`` says of which requests; only those that say so have a target."""

    name: str
    rule: str
    asked: str


SHIPPED = (
    ShippedRule("context_is_admin", ADMIN, "everybody, besides `admin_role`: whether he is one"),
    ShippedRule("get_images", EVERYBODY, "both lists of images"),
    ShippedRule("get_image", EVERYBODY, "`HEAD` and `GET` of an image"),
    ShippedRule(
        "download_image",
        EVERYBODY,
        "`GET` of an image, whose attributes and properties are the target",
    ),
    ShippedRule("add_image", EVERYBODY, "`POST` of an image"),
    ShippedRule("modify_image", EVERYBODY, "`PUT` of an image"),
    ShippedRule("publicize_image", ADMIN, "`POST` and `PUT` with a true `is_public`"),
    ShippedRule("copy_from", EVERYBODY, "`POST` and `PUT` with `x-glance-api-copy-from`"),
    ShippedRule("upload_image", EVERYBODY, "`POST` and `PUT` with data or with a copy"),
    ShippedRule("set_image_location", EVERYBODY, "`POST` and `PUT` with `x-image-meta-location`"),
    ShippedRule("delete_image", EVERYBODY, "`DELETE` of an image"),
    ShippedRule("get_members", EVERYBODY, "the list of an image's members"),
    ShippedRule("modify_member", EVERYBODY, "adding, changing and replacing members"),
    ShippedRule("delete_member", EVERYBODY, "removing a member"),
    ShippedRule(
        "manage_image_cache", ADMIN, "all requests below `/cached_images` and `/queued_images`"
    ),
)
