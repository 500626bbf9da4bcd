"""The store in a bucket of Ceph."""

from twisted.trial.unittest import TestCase

from tests.s3.case import S3Contract


class CephContractTests(S3Contract, TestCase):
    server = "ceph"
