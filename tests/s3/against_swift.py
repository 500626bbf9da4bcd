"""The store in a bucket of Swift's gateway."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract
from tests.s3.transfers import S3Transfers


class SwiftContractTests(S3Contract, TestCase):
    server = "swift"


class SwiftBehaviourTests(S3Behaviour, TestCase):
    server = "swift"


class SwiftTransferTests(S3Transfers, TestCase):
    server = "swift"
