"""Large images in Swift, by its own API and by that of S3."""

from twisted.trial.unittest import TestCase

from tests.swift.cluster import swift
from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend
from tests.transfers.swift import SwiftBackend


class SwiftTests(TransferCase, TestCase):
    """With segments as they are by default."""

    def make_backend(self):
        return SwiftBackend(swift())


class SegmentsTests(TransferCase, TestCase):
    """With many segments."""

    def make_backend(self):
        return SwiftBackend(swift(), large="64MB", segment="32MB")


class S3Tests(TransferCase, TestCase):
    """By the S3 gateway."""

    def make_backend(self):
        return S3Backend("swift")
