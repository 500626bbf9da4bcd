"""What a daemon tells Prometheus of itself, and who asks its processes for it."""
