"""Signatures are those of botocore, Amazon's own client, whatever is signed."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from unittest.mock import patch

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores.s3.signature import (
    EMPTY_PAYLOAD,
    UNSIGNED_PAYLOAD,
    Credentials,
    Scope,
    encode_path,
    encode_query,
    signed_headers,
)

MOMENT = datetime(2013, 5, 24, tzinfo=UTC)

#: From Amazon's documentation of the signature.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
keys = some.one_of(texts, some.text("/.~-_+%:?#& =é", max_size=20))
#: What may stand in a header: printable, with blanks inside and around.
values = some.text(string.ascii_letters + string.digits + string.punctuation + " \t", max_size=30)
names = some.sampled_from(
    ["Content-MD5", "Range", "If-Match", "If-None-Match", "x-amz-meta-a", "X-Amz-Meta-B", "x-amz-z"]
)
moments = some.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=some.just(UTC))
tokens = some.none() | some.text(string.ascii_letters + string.digits + "+/=", min_size=1)


def by_botocore(credentials, region, method, path, query, headers, payload, moment):
    """The Authorization that botocore gives to the same request."""
    host = headers["Host"]
    url = f"https://{host}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, headers=headers, data=b"")
    known = ReadOnlyCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    auth = S3SigV4Auth(known, "s3", region)
    # It would take the digest of the body, and for the time that of the system.
    with (
        patch.object(S3SigV4Auth, "payload", lambda self, request: payload),
        patch("botocore.auth.get_current_datetime", lambda: moment),
    ):
        auth.add_auth(request)
    return request.headers["Authorization"]


class SignatureTests(SynchronousTestCase):
    """What is signed, and how."""

    def test_example(self) -> None:
        """The first example of Amazon's documentation has the signature that it has there."""
        headers = signed_headers(
            EXAMPLE,
            Scope("us-east-1"),
            "GET",
            encode_path("/test.txt"),
            "",
            {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"},
            EMPTY_PAYLOAD,
            MOMENT,
        )
        self.assertEqual(
            headers["Authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        )
        self.assertEqual(headers["x-amz-date"], "20130524T000000Z")
        self.assertEqual(headers["x-amz-content-sha256"], EMPTY_PAYLOAD)

    @given(
        some.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE"]),
        keys,
        some.dictionaries(texts.filter(bool), texts, max_size=4),
        some.dictionaries(names, values, max_size=4),
        some.sampled_from([UNSIGNED_PAYLOAD, EMPTY_PAYLOAD, "ab" * 32]),
        some.builds(Credentials, some.text(string.ascii_letters, min_size=1), texts, tokens),
        some.sampled_from(["us-east-1", "eu-west-3", "default"]),
        moments,
    )
    @example("PUT", "a//../b c+é%2F", {"uploads": "", "a b": "~/="}, {}, "x", EXAMPLE, "r", MOMENT)
    def test_as_botocore(
        self, method, key, query, headers, payload, credentials, region, moment
    ) -> None:
        """Any request is signed as botocore signs it."""
        path, encoded = encode_path(f"/bucket/{key}"), encode_query(query)
        headers = {"Host": "s3.example.com:8443", **headers}
        ours = signed_headers(
            credentials, Scope(region), method, path, encoded, headers, payload, moment
        )
        theirs = by_botocore(credentials, region, method, path, encoded, headers, payload, moment)
        self.assertEqual(ours["Authorization"], theirs)

    @given(keys, some.dictionaries(texts, texts, max_size=4))
    def test_sent_as_it_is(self, key, query) -> None:
        """What is sent is ASCII without blanks, in which nothing ends a path or a query early."""
        sent = encode_path(f"/{key}") + "?" + encode_query(query)
        self.assertTrue(sent.isascii() and sent.isprintable())
        self.assertNotIn(" ", sent)
        self.assertNotIn("#", sent)
        self.assertEqual(sent.count("?"), 1)

    def test_token(self) -> None:
        """Credentials for some hours send their token, and sign it."""
        credentials = Credentials("key", "secret", "token")
        headers = signed_headers(
            credentials, Scope("r"), "GET", "/", "", {"Host": "h"}, EMPTY_PAYLOAD, MOMENT
        )
        self.assertEqual(headers["x-amz-security-token"], "token")
        self.assertIn("x-amz-security-token", headers["Authorization"])

    def test_no_secret_in_repr(self) -> None:
        """Nothing that prints credentials tells the secret or the token."""
        self.assertEqual(
            repr(Credentials("key", "s3cr3t", "t0ken")), "Credentials(access_key='key')"
        )
