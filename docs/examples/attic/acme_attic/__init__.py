"""A store for glancetx."""
