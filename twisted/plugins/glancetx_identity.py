"""The authenticators that come with glancetx."""

from glancetx.plugins import AuthenticatorMaker

keystone = AuthenticatorMaker(
    "keystone",
    "glancetx.identity.keystone.keystone",
    "keystone:URL:credentials=FILE[:ca=FILE][:cache=300][:auth_uri=URL][:service_roles=service]"
    "[:timeout=10][:calls=16]  knows the tokens of OpenStack's Keystone",
)
none = AuthenticatorMaker(
    "none",
    "glancetx.identity.everybody.Everybody",
    "none:  asks nobody: whoever reaches the daemon is its operator",
)
tokens = AuthenticatorMaker(
    "tokens",
    "glancetx.identity.tokens.static_tokens",
    "tokens:FILE  knows the tokens of a TOML file; glancetx token makes new ones",
)
trusted = AuthenticatorMaker(
    "trusted",
    "glancetx.identity.trusted.TrustedProxy",
    "trusted:ADDRESS[,NETWORK,...]  believes the identity headers of an authenticating proxy at "
    "these addresses; unix stands for unix sockets",
)
