"""A table of the configuration file → the description of a store."""

from __future__ import annotations

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from glancetx.arguments import Option, bind
from glancetx.description import BadDescription, Description, parse
from glancetx.store_tables import read_table


def table(*lines: str) -> dict[str, object]:
    """The only table of a file with these lines."""
    (found,) = tomllib.loads("\n".join(["[[store]]", *lines]))["store"]
    return dict(found)


class TableTests(SynchronousTestCase):
    """What a table says."""

    def test_name(self) -> None:
        """A name is optional, and the kind otherwise."""
        self.assertEqual(read_table(table('kind = "memory"')), Description("memory", "memory"))
        self.assertEqual(
            read_table(table('kind = "memory"', 'name = "fast-1"')),
            Description("fast-1", "memory"),
        )

    def test_values(self) -> None:
        """Every value becomes what it would be on a command line."""
        for value, text in (
            ('"a: b=c\\\\"', "a: b=c\\"),
            ('""', ""),
            ("4", "4"),
            ("-1", "-1"),
            ("0x10", "16"),
            ("1_000", "1000"),
            ("0.5", "0.5"),
            ("true", "true"),
            ("false", "false"),
            ("[]", ""),
            ('["10.0.0.0/8", "images.example:81"]', "10.0.0.0/8,images.example:81"),
            ("[500, 2.5, true]", "500,2.5,true"),
        ):
            described = read_table(table('kind = "s3"', f"option = {value}"))
            self.assertEqual(described.options, {"option": text}, value)

    def test_same_as_command_line(self) -> None:
        """What has no name in a description string has one in a table, and means the same."""
        options = (Option("bucket", "where", positional=True), Option("threads", "many", "8"))
        in_file = read_table(table('kind = "s3"', 'bucket = "im:ages"', "threads = 4"))
        on_line = parse("s3:im\\:ages:threads=4")
        self.assertEqual(bind(in_file, options), bind(on_line, options))


class RefusedTests(SynchronousTestCase):
    """Tables that cannot be meant."""

    def refused(self, *lines: str) -> str:
        return str(self.assertRaises(BadDescription, read_table, table(*lines)))

    def test_kind(self) -> None:
        """A table has to say of what kind it is."""
        for line in 'directory = "x"', "kind = 5", 'kind = ""':
            self.assertIn("needs a kind", self.refused(line))

    def test_bad_names(self) -> None:
        """A name that could not stand on a command line, in a header or in a log is refused."""
        for name in '""', "5", '"a b"', '"a\\nb"', '"a:b"', '"größe"':
            self.assertIn("the name of a [[store]]", self.refused('kind = "a"', f"name = {name}"))

    def test_bad_values(self) -> None:
        """What no command line could say is refused, without repeating it: it may be a secret."""
        for value, why in (
            ('"sec\\u0000ret"', "the character 0"),
            ('["se,cret"]', "commas"),
            ('[["secret"]]', "must be a text"),
            ('{secret = "secret"}', "must be a text"),
            ("2026-01-01", "must be a text"),
            ("[12:00:00]", "must be a text"),
        ):
            sentence = self.refused('name = "far"', 'kind = "s3"', f"option = {value}")
            self.assertIn("[[store]] 'far' cannot have 'option'", sentence)
            self.assertIn(why, sentence)
            self.assertNotIn("cret", sentence)
