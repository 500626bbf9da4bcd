"""What tells others of what happens to images."""
