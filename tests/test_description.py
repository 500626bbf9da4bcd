"""Description strings can be written, read, and quoted."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.description import BadDescription, Description, number, parse, quote, switch
from tests.unhurried import given

WORDS = st.text(st.sampled_from("abz09_.-"), min_size=1, max_size=8)
TEXTS = st.text(max_size=12)


class ParseTests(SynchronousTestCase):
    """What a description says."""

    def test_kind_alone(self) -> None:
        """A kind needs no arguments, with or without its colon; the name is the kind."""
        for text in ("memory", "memory:"):
            self.assertEqual(parse(text), Description("memory", "memory"))

    def test_arguments(self) -> None:
        """Positional arguments and options, in any order."""
        self.assertEqual(
            parse("s3:images:region=eu:more"),
            Description("s3", "s3", ("images", "more"), {"region": "eu"}),
        )

    def test_name(self) -> None:
        """A name stands before the kind."""
        self.assertEqual(
            parse("fast=file:/srv/images:threads=4"),
            Description("fast", "file", ("/srv/images",), {"threads": "4"}),
        )
        self.assertEqual(parse("a=memory"), Description("a", "memory"))

    def test_value_with_equals_sign(self) -> None:
        """An option's value goes on after a second equals sign."""
        self.assertEqual(parse("x:dsn=host=a").options, {"dsn": "host=a"})

    def test_empty_value(self) -> None:
        """An option may be empty; an empty positional argument is none."""
        self.assertEqual(parse("x::a="), Description("x", "x", (), {"a": ""}))

    def test_refuses(self) -> None:
        """No kind, an option twice, or a lonely backslash: the sentence quotes what was given."""
        for text in ("", ":", ":x", "=x", "x:a=1:a=2", "x:\\"):
            error = self.assertRaises(BadDescription, parse, text)
            self.assertIn(repr(text), str(error))


class QuoteTests(SynchronousTestCase):
    """Whatever is quoted is read as it was."""

    @given(
        name=WORDS,
        kind=WORDS,
        args=st.lists(TEXTS.filter(bool)),
        options=st.dictionaries(TEXTS, TEXTS),
    )
    def test_round_trip(
        self, name: str, kind: str, args: list[str], options: dict[str, str]
    ) -> None:
        """Any arguments and options survive quoting."""
        parts = [kind, *map(quote, args)]
        parts += [f"{quote(key)}={quote(value)}" for key, value in options.items()]
        expected = Description(name, kind, tuple(args), options)
        self.assertEqual(parse(f"{name}={':'.join(parts)}"), expected)

    @given(text=TEXTS)
    def test_any_text(self, text: str) -> None:
        """Any text at all is read, or refused by a sentence."""
        try:
            parse(text)
        except BadDescription as error:
            self.assertTrue(str(error))


class NumberTests(SynchronousTestCase):
    """Options that are whole numbers."""

    def test_numbers(self) -> None:
        """They are read, down to the least that is allowed."""
        self.assertEqual(number("n", "12"), 12)
        self.assertEqual(number("n", "0", least=0), 0)

    def test_others(self) -> None:
        """What is none, or too small, is refused by a sentence that says what to write."""
        for text in ("", "-1", "+1", "1.5", " 1", "many", "²", "0"):
            error = self.assertRaises(ValueError, number, "n", text)
            self.assertEqual(str(error), f"n must be a number from 1 on, not {text!r}")


class SwitchTests(SynchronousTestCase):
    """Options that are on or off."""

    def test_words(self) -> None:
        """There is one word for each, as in a configuration file."""
        self.assertIs(switch("s", "true"), True)
        self.assertIs(switch("s", "false"), False)
        for text in ("", "yes", "1", "True", " true"):
            error = self.assertRaises(ValueError, switch, "s", text)
            self.assertEqual(str(error), f"s must be true or false, not {text!r}")
