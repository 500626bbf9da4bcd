"""Large images in SeaweedFS."""

from twisted.trial.unittest import TestCase

from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend


class SeaweedFSTests(TransferCase, TestCase):
    """By S3."""

    def make_backend(self):
        return S3Backend("seaweedfs")
