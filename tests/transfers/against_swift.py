"""Large images in Swift, by the API of S3."""

from twisted.trial.unittest import TestCase

from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend


class S3Tests(TransferCase, TestCase):
    """By the S3 gateway."""

    def make_backend(self):
        return S3Backend("swift")
