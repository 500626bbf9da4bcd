"""Large images in Ceph, by the APIs of Swift and of S3."""

from twisted.trial.unittest import TestCase

from tests.services import real_server
from tests.swift.cluster import Cluster
from tests.transfers.case import TransferCase
from tests.transfers.s3 import S3Backend
from tests.transfers.swift import SwiftBackend


class SwiftTests(TransferCase, TestCase):
    """By the API of Swift."""

    def make_backend(self):
        server = real_server("ceph")
        values = server.values
        user, key = values["SWIFT_USER"], values["SWIFT_KEY"]
        return SwiftBackend(Cluster(server, values["SWIFT_AUTH_URL"], user, key))


class S3Tests(TransferCase, TestCase):
    """By the API of S3."""

    def make_backend(self):
        return S3Backend("ceph")
