"""The store in a bucket of SeaweedFS."""

from twisted.trial.unittest import TestCase

from tests.s3.behaviour import S3Behaviour
from tests.s3.case import S3Contract


class SeaweedfsContractTests(S3Contract, TestCase):
    """What every store promises."""

    server = "seaweedfs"


class SeaweedfsBehaviourTests(S3Behaviour, TestCase):
    """What is asked of S3 beside that."""

    server = "seaweedfs"
