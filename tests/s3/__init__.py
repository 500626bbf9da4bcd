"""The store for S3 against real servers, which tests.services starts."""
