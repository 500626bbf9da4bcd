"""The notifiers that come with glancetx."""

from glancetx.plugins import NotifierMaker, Option

log = NotifierMaker(
    "log",
    "glancetx.notifiers.log.LogNotifier",
    "writes a line of the log for each notification",
)
webhook = NotifierMaker(
    "webhook",
    "glancetx.notifiers.webhook.webhook",
    "posts each notification to a web server, in the envelope of oslo.messaging",
    options=(
        Option("url", "where they are posted to", positional=True, takes_rest=True),
        Option("credentials", "file with the secret to sign them with", "not signed"),
        Option("ca", "file of certificates (PEM) to trust for https", "the system's"),
        Option("queue", "how many may wait; further ones are lost", "1000"),
        Option("lanes", "how many are posted at the same time, each for another image", "4"),
        Option("give_up", "seconds after which one that was not taken is lost", "300"),
        Option("connect", "seconds for a connection", "10"),
        Option("head", "seconds for an answer", "10"),
    ),
)
