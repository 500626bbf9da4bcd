"""The authenticators that come with glancetx."""

from glancetx.plugins import AuthenticatorMaker, Option

keystone = AuthenticatorMaker(
    "keystone",
    "glancetx.identity.keystone.keystone",
    "knows the tokens of OpenStack's Keystone",
    options=(
        Option("url", "where Keystone is", positional=True, takes_rest=True),
        Option("credentials", "file with who we are there"),
        Option("ca", "file of certificates (PEM) to trust for https", "the system's"),
        Option("cache", "seconds for which an answer is remembered", "300"),
        Option("auth_uri", "what clients are told of where Keystone is", "the url"),
        Option("service_roles", "roles of services that vouch for users, by commas", "service"),
        Option("timeout", "seconds that an answer may take", "10"),
        Option("calls", "how many questions may be under way", "16"),
    ),
)
none = AuthenticatorMaker(
    "none",
    "glancetx.identity.everybody.Everybody",
    "asks nobody: whoever reaches the daemon is its operator",
)
tokens = AuthenticatorMaker(
    "tokens",
    "glancetx.identity.tokens.static_tokens",
    "knows the tokens of a TOML file; glancetx token makes new ones",
    options=(Option("file", "file of the tokens", positional=True),),
)
trusted = AuthenticatorMaker(
    "trusted",
    "glancetx.identity.trusted.TrustedProxy",
    "believes the identity headers of an authenticating proxy",
    options=(
        Option(
            "proxies",
            "its addresses and networks, by commas; unix stands for unix sockets",
            positional=True,
        ),
    ),
)
