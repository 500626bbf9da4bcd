"""The store in a bucket of Swift's gateway."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract


class SwiftContractTests(S3Contract, TestCase):
    """What every store promises."""

    server = "swift"


class SwiftBehaviourTests(S3Behaviour, TestCase):
    """What is asked of S3 beside that."""

    server = "swift"
