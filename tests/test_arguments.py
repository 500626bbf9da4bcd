"""What a kind can be told, and what a description tells it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.arguments import Option, bind, explain, form_of
from glancetx.description import parse

BUCKET = Option("bucket", "where they are", positional=True)
PREFIX = Option("prefix", "what names begin with", "nothing", positional=True)
URL = Option("url", "where the server is", positional=True, takes_rest=True)
CREDENTIALS = Option("credentials", "file with the secret")
REGION = Option("region", "where the bucket is", "here")


class FormTests(SynchronousTestCase):
    """What is to be written."""

    def test_forms(self) -> None:
        """Options that have to be given stand in it by name, and the others as options."""
        for options, form in (
            ((), "s3:"),
            ((REGION,), "s3[:OPTION=VALUE...]"),
            ((BUCKET,), "s3:BUCKET"),
            ((BUCKET, PREFIX), "s3:BUCKET[:PREFIX]"),
            (
                (REGION, CREDENTIALS, BUCKET),
                "s3:credentials=CREDENTIALS:BUCKET[:OPTION=VALUE...]",
            ),
        ):
            self.assertEqual(form_of("s3", options), form)

    def test_explanation(self) -> None:
        """It has a line for each option, and tells which have to be given."""
        self.assertEqual(
            explain("s3", "keeps images in a bucket", (BUCKET, REGION)),
            "s3 - keeps images in a bucket\n"
            "    s3:BUCKET[:OPTION=VALUE...]\n"
            "        bucket  where they are [required]\n"
            "        region  where the bucket is [default: here]",
        )
        self.assertEqual(explain("x", "does nothing", ()), "x - does nothing\n    x:")


class BindTests(SynchronousTestCase):
    """What was written, by the names of the options."""

    def test_bound(self) -> None:
        """What stands without a name gets that of its place; what was left out is not there."""
        for text, options, bound in (
            ("s3:", (), {}),
            ("s3:", (REGION,), {}),
            ("s3:b", (REGION, BUCKET), {"bucket": "b"}),
            ("s3:bucket=b", (BUCKET,), {"bucket": "b"}),
            (
                "s3:region=:b:p",
                (BUCKET, PREFIX, REGION),
                {"bucket": "b", "prefix": "p", "region": ""},
            ),
            ("s3:b:prefix=p", (BUCKET, PREFIX), {"bucket": "b", "prefix": "p"}),
        ):
            self.assertEqual(bind(parse(text), options), bound)

    def test_rest(self) -> None:
        """The colons of a URL need no backslash where it takes the rest."""
        for text in ("s3:b:http://h:80/x:region=r", "s3:region=r:b:http\\://h\\:80/x"):
            bound = bind(parse(text), (BUCKET, URL, REGION))
            self.assertEqual(bound, {"bucket": "b", "url": "http://h:80/x", "region": "r"})
        bound = bind(parse("s3:b:http://[::1]:80/x::region=r"), (BUCKET, URL, REGION))
        self.assertEqual(bound, {"bucket": "b", "url": "http://[::1]:80/x", "region": "r"})

    def test_empty(self) -> None:
        """An empty argument is none."""
        for text in "s3::b::p:", "s3:::b:p":
            self.assertEqual(bind(parse(text), (BUCKET, PREFIX)), {"bucket": "b", "prefix": "p"})

    def test_refused(self) -> None:
        """Too much, too little and the unknown are told."""
        for text, options, sentence in (
            ("s3:colour=red", (), "'colour' is not an option (there are: none)"),
            ("s3:b:c=d", (BUCKET, REGION), "'c' is not an option (there are: bucket, region)"),
            ("s3:b:c", (BUCKET, REGION), "'c' is one argument too many"),
            ("s3:b:bucket=b", (BUCKET,), "bucket is given twice"),
            ("s3:", (BUCKET,), "bucket is missing"),
            ("s3:b", (BUCKET, CREDENTIALS), "credentials is missing"),
            ("s3:credentials=", (CREDENTIALS,), "credentials is missing"),
        ):
            error = self.assertRaises(ValueError, bind, parse(text), options)
            self.assertEqual(str(error), sentence)
