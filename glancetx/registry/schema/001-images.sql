-- phase: expand
--
-- One row per image, ids of deleted images included: they stay taken for ever.
-- The collation "C" sorts ids by code point, as Python does.

CREATE TABLE images (
    id text COLLATE "C" PRIMARY KEY,
    status text NOT NULL CHECK (
        status IN (
            'queued', 'saving', 'active', 'killed', 'deactivated', 'pending_delete', 'deleted'
        )
    ),
    name text,
    owner text COLLATE "C",
    visibility text NOT NULL CHECK (visibility IN ('public', 'shared', 'private', 'community')),
    protected boolean NOT NULL,
    disk_format text,
    container_format text,
    size bigint NOT NULL CHECK (size >= 0),
    virtual_size bigint CHECK (virtual_size >= 0),
    min_disk integer NOT NULL CHECK (min_disk >= 0),
    min_ram integer NOT NULL CHECK (min_ram >= 0),
    checksum text,
    -- {algorithm: lower-case hex}
    digests jsonb NOT NULL CHECK (jsonb_typeof(digests) = 'object'),
    -- {key: string or null}
    properties jsonb NOT NULL CHECK (jsonb_typeof(properties) = 'object'),
    -- [{"store": name, "key": the store's own word}]
    locations jsonb NOT NULL CHECK (jsonb_typeof(locations) = 'array'),
    status_reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    -- until when somebody answers for bytes that no record tells of
    lease_until timestamptz
);

-- A listing is newest first. Each of these serves one of its forms by walking along an index from
-- the marker on; their conditions must stay word for word those of the registry's statements.

-- everything
CREATE INDEX images_listed ON images (created_at DESC, id DESC)
WHERE status IN ('queued', 'saving', 'active', 'deactivated');

-- public ones
CREATE INDEX images_public ON images (created_at DESC, id DESC)
WHERE status IN ('queued', 'saving', 'active', 'deactivated') AND visibility = 'public';

-- everything that is not public
CREATE INDEX images_not_public ON images (created_at DESC, id DESC)
WHERE status IN ('queued', 'saving', 'active', 'deactivated') AND visibility <> 'public';

-- an owner's own that are not public; together with the public ones this is what most callers see
CREATE INDEX images_own ON images (owner, created_at DESC, id DESC)
WHERE status IN ('queued', 'saving', 'active', 'deactivated') AND visibility <> 'public';

-- Overdue leases are looked for every few seconds, and there are hardly ever any.
CREATE INDEX images_leased ON images (lease_until, id) WHERE lease_until IS NOT NULL;

-- A property with exactly this value: properties @> '{"key": "value"}'
CREATE INDEX images_properties ON images USING gin (properties jsonb_path_ops);
