"""The store in a bucket of SeaweedFS."""

from twisted.trial.unittest import TestCase

from tests.s3.case import S3Contract


class SeaweedfsContractTests(S3Contract, TestCase):
    server = "seaweedfs"
