"""The store in a bucket of Ceph's gateway."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract


class CephContractTests(S3Contract, TestCase):
    """What every store promises."""

    server = "ceph"


class CephBehaviourTests(S3Behaviour, TestCase):
    """What is asked of S3 beside that."""

    server = "ceph"
