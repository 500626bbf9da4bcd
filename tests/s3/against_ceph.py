"""The store in a bucket of Ceph's gateway."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract
from tests.s3.transfers import S3Transfers


class CephContractTests(S3Contract, TestCase):
    server = "ceph"


class CephBehaviourTests(S3Behaviour, TestCase):
    server = "ceph"


class CephTransferTests(S3Transfers, TestCase):
    server = "ceph"
