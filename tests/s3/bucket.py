"""A bucket of a real server, as its operator sees it. Everything here blocks."""

from __future__ import annotations

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore.session
from botocore.config import Config

from tests.services import RealServer, real_server


class RealBucket:
    """
    The one bucket of the one server of this name, with botocore to look into it.

    It serves one test after the other, each below a prefix of its own: a server may set aside much
    for each bucket.
    """

    def __init__(self, server: str) -> None:
        self.server: RealServer = real_server(server)
        values = self.server.values
        self.url = values["S3_ENDPOINT_URL"]
        self.region = values["AWS_DEFAULT_REGION"]
        self.name = f"images-{uuid4().hex[:12]}"
        self.prefix = ""
        session: Any = botocore.session.get_session()
        self.client = session.create_client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}),
        )
        self.client.create_bucket(Bucket=self.name)
        self.credentials = self._write_credentials()

    def take_prefix(self) -> None:
        """From now on all is about a new prefix."""
        self.prefix = f"{uuid4().hex[:8]}/"

    def options(self, **others: str) -> dict[str, str]:
        """What the store is to be told."""
        return {
            "bucket": self.name,
            "endpoint": self.url,
            "region": self.region,
            "prefix": self.prefix,
            "credentials": self.credentials,
            "part_size": "5MB",
            **others,
        }

    def keys(self) -> list[str]:
        """The names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=self.prefix
        )
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def uploads(self) -> list[tuple[str, str]]:
        """Name and id of all uploads that are under way."""
        said = self.client.list_multipart_uploads(Bucket=self.name, Prefix=self.prefix)
        found = said.get("Uploads", [])
        return [(each["Key"], each["UploadId"]) for each in found]

    def begin_upload(self, key: str) -> str:
        """The id of an upload with one part."""
        upload_id: str = self.client.create_multipart_upload(Bucket=self.name, Key=key)["UploadId"]
        self.client.upload_part(
            Bucket=self.name, Key=key, UploadId=upload_id, PartNumber=1, Body=b"x" * 100
        )
        return upload_id

    def empty(self) -> None:
        """Remove all that is below the prefix."""
        for key, upload_id in self.uploads():
            self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)
        for key in self.keys():
            self.client.delete_object(Bucket=self.name, Key=key)

    def _write_credentials(self) -> str:
        values = self.server.values
        handle, path = tempfile.mkstemp(suffix=".toml")
        os.close(handle)
        atexit.register(os.unlink, path)
        Path(path).write_text(
            "".join(
                f'{name.lower()} = "{values[name]}"\n'
                for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            )
        )
        return path


@cache
def real_bucket(server: str) -> RealBucket:
    """The one bucket of this run on a server."""
    return RealBucket(server)
