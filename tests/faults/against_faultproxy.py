"""Each store that keeps images on a server, with connections that break."""

from twisted.trial.unittest import TestCase

from tests.faults.case import FaultCase
from tests.swift.cluster import swift
from tests.transfers.s3 import S3Backend
from tests.transfers.swift import SwiftBackend


class SwiftTests(FaultCase, TestCase):
    """Swift, with segments for all but small images."""

    def make_backend(self):
        return SwiftBackend(swift(), large="8MB", segment="5MB")


class S3OnSwiftTests(FaultCase, TestCase):
    """Swift's S3 gateway."""

    def make_backend(self):
        return S3Backend("swift", part_size="5MB")


class SeaweedFSTests(FaultCase, TestCase):
    """SeaweedFS."""

    def make_backend(self):
        return S3Backend("seaweedfs", part_size="5MB")
