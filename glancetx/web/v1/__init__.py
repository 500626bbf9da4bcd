"""The Images API v1: its words, headers and peculiarities, and nothing else."""
