-- phase: expand
--
-- Listings by filters, in any order, and of what has changed.
--
-- What is compared and sorted gets the collation "C", as Python compares: it is the same on every
-- server, and a look at bytes where the rules of a language would be a long walk.

ALTER TABLE images
    ALTER COLUMN name TYPE text COLLATE "C",
    ALTER COLUMN status TYPE text COLLATE "C",
    ALTER COLUMN visibility TYPE text COLLATE "C",
    ALTER COLUMN disk_format TYPE text COLLATE "C",
    ALTER COLUMN container_format TYPE text COLLATE "C";

-- A listing walks along an index in its order, from the marker on, until its page is full.
-- Behind the order the indexes carry what can be filtered by: the walk passes over what does not fit
-- without a look at its row, so it is short even when all that fits stands at its very end.
-- An index for each filter would be faster still, and there would be dozens: one for each filter
-- and each of the kinds of listing below.
-- Conditions must stay word for word those of the registry's statements.

DROP INDEX images_listed, images_public, images_not_public, images_own;

-- Everything that lives, for operators, and all of it that is not public. Dead images stay in the
-- table for ever, and may become many more than these.
CREATE INDEX images_listed ON images (
    created_at DESC, id DESC,
    visibility, status, disk_format, container_format, size, min_ram, min_disk, protected
) WHERE status IN ('queued', 'saving', 'active', 'deactivated');

-- Public ones: a part of every listing that is not an operator's, and as a rule few among many.
CREATE INDEX images_public ON images (
    created_at DESC, id DESC,
    status, disk_format, container_format, size, min_ram, min_disk, protected
) WHERE status IN ('queued', 'saving', 'active', 'deactivated') AND visibility = 'public';

-- An owner's own that are not public: the other part of a user's listing.
CREATE INDEX images_own ON images (
    owner, created_at DESC, id DESC,
    visibility, status, disk_format, container_format, size, min_ram, min_disk, protected
) WHERE status IN ('queued', 'saving', 'active', 'deactivated')
    AND visibility IN ('shared', 'private', 'community');

-- Those of one name, in order: what clients look for most, and too long to be carried by the others.
CREATE INDEX images_named ON images (name, created_at DESC, id DESC, visibility, owner);

-- What changed lately, dead or alive: the usual question of those who keep a copy.
CREATE INDEX images_changed ON images (updated_at);

-- What changed since long ago, page by page, dead or alive: the first question of those.
CREATE INDEX images_ever ON images (
    created_at DESC, id DESC,
    updated_at, visibility, owner, status,
    disk_format, container_format, size, min_ram, min_disk, protected
);
