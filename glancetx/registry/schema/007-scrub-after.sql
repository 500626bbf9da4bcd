-- phase: expand
--
-- Until then the bytes of a deleted image are kept.
-- Its lease ends no earlier; older releases knew only the lease, and left this null.
ALTER TABLE images ADD COLUMN scrub_after timestamptz;
