-- phase: expand
--
-- What daemons take turns in, and when one of them was last at it.

CREATE TABLE chores (
    name text PRIMARY KEY,
    tended_at timestamptz NOT NULL
);
