"""Large images in Ceph, by the APIs of S3 and of Swift."""

from twisted.trial.unittest import TestCase

from tests.swift.cluster import ceph
from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend
from tests.transfers.swift import SwiftBackend


class S3Tests(TransferCase, TestCase):
    """By the API of S3."""

    def make_backend(self):
        return S3Backend("ceph")


class SwiftTests(TransferCase, TestCase):
    """By the API of Swift."""

    def make_backend(self):
        return SwiftBackend(ceph(), large_object_size="1024MB")
