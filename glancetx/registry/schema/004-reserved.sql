-- phase: expand
--
-- Bytes of the owner's quota that are set aside for a transfer, until its lease ends.
ALTER TABLE images ADD COLUMN reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0);

-- What counts against an owner's quota. The condition must stay word for word that of the statement
-- that sums it up.
CREATE INDEX images_counted ON images (owner)
WHERE status NOT IN ('killed', 'deleted') OR reserved > 0;
