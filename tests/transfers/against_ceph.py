"""Large images in Ceph, by the API of S3."""

from twisted.trial.unittest import TestCase

from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend


class S3Tests(TransferCase, TestCase):
    """By the API of S3."""

    def make_backend(self):
        return S3Backend("ceph")
