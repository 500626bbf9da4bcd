"""Targets: what operators write into files and on command lines."""

from __future__ import annotations

import tomllib

from attrs import evolve

from glancetx.access import OPERATOR, Caller, Identity
from glancetx.arguments import Option, bind
from glancetx.config import ConfigError, Configuration, make_settings
from glancetx.description import BadDescription, Description, number, parse, quote, switch
from glancetx.identity.access_rules import access_rule
from glancetx.identity.token_file import read_tokens
from glancetx.identity.trusted import TrustedProxy
from glancetx.limits import read_size
from glancetx.policy.enforcer import Policy
from glancetx.policy.file import BadPolicy, read_rules
from glancetx.policy.grammar import BadRule, parse_rule
from glancetx.policy.protections import OPERATIONS
from glancetx.policy.protections_file import FORMATS, read_protections
from glancetx.registry.dsn import read_dsn
from glancetx.store_tables import read_table
from tests.fuzz.target import Target, claim, text

CREDENTIALS = {"roles": ["member"], "user_id": "u", "project_id": "p", "is_admin": False}
OPTIONS = (
    Option("path", "a path", positional=True),
    Option("url", "an address", "none", positional=True, takes_rest=True),
    Option("threads", "a number", "8"),
)


def description(data: bytes) -> None:
    """A description string → its parts, which can be quoted and read again."""
    string = text(data)
    read = parse(f"kind:{quote(string)}:key={quote(string)}")
    claim(read.options == {"key": string}, "quoting does not keep it", string)
    claim(read.args == ((string,) if string else ()), "quoting does not keep it", string)
    try:
        read = parse(string)
    except BadDescription:
        return
    fields = [*map(quote, read.args), *(f"{quote(k)}={quote(v)}" for k, v in read.options.items())]
    again = parse(":".join([quote(read.kind), *fields]))
    claim(evolve(again, name=read.name) == read, "what was read is not written so", string)
    _bind(read)


def _bind(read: Description) -> None:
    try:
        bound = bind(read, OPTIONS)
    except ValueError:
        return
    claim(bound.keys() <= {"path", "url", "threads"}, "another option", read)


def words(data: bytes) -> None:
    """A number, a size, a switch, a network, a path of Keystone's: a value, or a ValueError."""
    string = text(data)
    for read in (
        lambda: number("n", string),
        lambda: switch("s", string),
        lambda: read_size(string),
        lambda: TrustedProxy(None, string),
        lambda: read_dsn(string),
    ):
        try:
            read()
        except ValueError:
            continue
    access_rule("GET", string).permits("GET", string)


def rule(data: bytes) -> None:
    """A rule of a policy file → a check, which answers whatever it is asked."""
    string = text(data)
    for given in (string, [string], [[string, "@"], ["!"]]):
        try:
            check = parse_rule(given, {})
        except BadRule:
            continue
        for target in ({}, {"owner": "p", "name": string}):
            claim(check(CREDENTIALS, target) in (True, False), "no answer", given)


def policy_file(data: bytes) -> None:
    """A policy file → rules, or a sentence."""
    try:
        rules = read_rules(data)
    except BadPolicy:
        return
    for name in ("get_images", "publicize_image", "nonsense"):
        claim(rules.allow(name, CREDENTIALS, {}) in (True, False), "no answer", data)


def protections(data: bytes) -> None:
    """A file of property protections → who may do what, or a sentence."""
    caller = Caller(identity=Identity(roles={"member"}), is_authenticated=True)
    for kind in FORMATS:
        try:
            found = read_protections(data, kind, Policy())
        except BadPolicy:
            continue
        for who in (caller, OPERATOR):
            for operation in OPERATIONS:
                claim(found.allow(operation, "os_distro", who) in (True, False), "no answer", data)


def tokens(data: bytes) -> None:
    """A file of tokens → who has which, or a sentence."""
    try:
        found = read_tokens(data)
    except ValueError:
        return
    claim(all(len(digest) == 32 for digest in found), "a digest of another length", data)


def settings(data: bytes) -> None:
    """A configuration file → settings, or a sentence."""
    try:
        content = tomllib.loads(text(data))
    except (ValueError, RecursionError):
        content = {}
    for table in content.values():
        if isinstance(table, dict):
            try:
                read_table(table)
            except BadDescription:
                continue
    try:
        make_settings(Configuration({}, _File(data)).read())  # type: ignore[arg-type]
    except ConfigError:
        return


class _File:
    """A path that need not lie on a disk."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, mode: str) -> object:
        import io

        return io.BytesIO(self._content)


TARGETS = (
    Target("description", description, (b"fast=file:/a\\:b:threads=4", b"s3:x==:y=z=:", b"a:b\\")),
    Target(
        "words",
        words,
        (
            b"20GB",
            b"10.0.0.0/8,unix,::1",
            b"host=a,b port=1,2",
            b"/v1/**/{id}/*",
            b"postgres://u@h",
            b"s" + b"*" * 12 + b"." + b"*" * 16 + b"." + b"*" * 5 + b"@h",
        ),
    ),
    Target(
        "rule",
        rule,
        (
            b"role:admin or (not user_id:%(owner)s and 'raw':%(name)s)",
            b"rule:x and True:%(is_admin)s",
            b"((((@))))",
            b"9**9:x",
        ),
    ),
    Target(
        "policy_file",
        policy_file,
        (b'{"default": "", "get_images": "role:x"}', b"a: rule:b\nb: [[x]]\n", b"&a [*a]", b"? []"),
    ),
    Target(
        "protections",
        protections,
        (
            b"[^x_.*]\ncreate = admin,member\nread = @\nupdate = !\ndelete = context_is_admin\n",
            b"[(a+)+$]\ncreate=@\nread=@\nupdate=@\ndelete=@",
        ),
    ),
    Target(
        "tokens",
        tokens,
        (
            b'[[token]]\nsha256 = "' + b"a1" * 32 + b'"\nuser = "u"\nroles = ["r"]\n',
            b"token = [{sha256 = 5}]",
        ),
    ),
    Target(
        "settings",
        settings,
        (
            b'listen = ["tcp:80"]\nworkers = 2\nuser_storage_quota = "5GB"\n',
            b'[[store]]\nkind = "file"\ndirectory = "/x"\nthreads = 4\nallow = ["a", 1, true]\n',
            b"store = 5\ndrain = inf\ndigests = ['md5']",
        ),
    ),
)
