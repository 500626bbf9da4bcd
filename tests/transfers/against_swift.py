"""Large images in Swift, by its own API and by that of S3."""

from twisted.trial.unittest import TestCase

from tests.swift.cluster import swift
from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend
from tests.transfers.swift import SwiftBackend


class SwiftTests(TransferCase, TestCase):
    """By its own API; sizes are such that an image of known length goes into segments too."""

    def make_backend(self):
        return SwiftBackend(swift(), large_object_size="1024MB")


class S3Tests(TransferCase, TestCase):
    """By the S3 gateway."""

    def make_backend(self):
        return S3Backend("swift")
