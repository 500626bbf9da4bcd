"""Tests of the store for S3."""
