"""Images of a Glance that is to be replaced: read from its database, recorded in ours."""
