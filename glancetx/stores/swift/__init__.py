"""Images as objects of OpenStack Swift, or of whatever else speaks its API."""
