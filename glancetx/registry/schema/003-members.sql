-- phase: expand
--
-- Who may see an image with the visibility 'shared' besides its owner: one row per image and member.
-- A removed member's row stays, since it remembers can_share for the day when he is added again.
-- A deleted image has no rows; one that is being deleted has, for it may be restored, but nobody is
-- shown them.

CREATE TABLE members (
    image_id text COLLATE "C" NOT NULL REFERENCES images(id),
    member text COLLATE "C" NOT NULL,
    can_share boolean NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- a copy of images.created_at, which never changes
    image_created_at timestamptz NOT NULL,
    -- what sorts an image's members by creation: those made in one statement share created_at
    place bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (image_id, member)
);

-- What is shared with a member, newest image first: a listing walks along it from the marker on.
CREATE INDEX members_shared ON members (member, image_created_at DESC, image_id DESC)
WHERE NOT removed;
