-- phase: expand
--
-- How many bytes of a running transfer have come, told when its lease is renewed.
ALTER TABLE images ADD COLUMN transferred bigint NOT NULL DEFAULT 0 CHECK (transferred >= 0);
