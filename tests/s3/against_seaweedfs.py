"""The store in a bucket of SeaweedFS."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract
from tests.s3.transfers import S3Transfers


class SeaweedfsContractTests(S3Contract, TestCase):
    server = "seaweedfs"


class SeaweedfsBehaviourTests(S3Behaviour, TestCase):
    server = "seaweedfs"


class SeaweedfsTransferTests(S3Transfers, TestCase):
    server = "seaweedfs"
