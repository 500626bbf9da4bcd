"""The store in a bucket of Swift."""

from twisted.trial.unittest import TestCase

from tests.s3.case import S3Contract


class SwiftContractTests(S3Contract, TestCase):
    server = "swift"
