"""Copies of images on the local disk: fetched once, verified, and bounded in size."""
