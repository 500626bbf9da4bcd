"""A daemon that tells of itself, real traffic, and what it tells."""

import json
from itertools import chain

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.threads import deferToThread

from tests.integration.daemon import FORMATS, Daemon, ask, start

#: Requests that try to make series of their own.
HOSTILE = (
    ("GET", "/v1/images/../../etc/passwd"),
    ("GET", "/v1/nope/{route}"),
    ("GET", "/v2/images"),
    ("HACK", "/v1/images"),
    ("GLANCETX", "/healthcheck"),
    ("PUT", "/v1/images/%22%7D%0A"),
)


async def start_watched(test, *options):
    """A daemon with a listener for metrics, and the port of that."""
    metrics = ("--metrics", "tcp:0:interface=127.0.0.1")
    daemon = await start(test, *metrics, "--log-format", "json", *options)
    return daemon, int((await daemon.says(r"metrics on 127\.0\.0\.1:(\d+)"))[1])


async def scrape(port):
    """The text that Prometheus would get."""
    answer = await deferToThread(ask, port, "GET", "/metrics")
    if answer.status != 200:
        raise AssertionError(answer)
    return answer.body.decode()


async def numbers(port):
    """Every sample by its name and labels: ``name{a=b,c=d}``, labels in their order."""
    found = {}
    families = text_string_to_metric_families(await scrape(port))
    for sample in chain.from_iterable(family.samples for family in families):
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


async def readiness(port):
    """The status of /readyz, and its document."""
    answer = await deferToThread(ask, port, "GET", "/readyz")
    return answer.status, answer.json


async def create(daemon: Daemon, body):
    """The answer to the upload of a new image."""
    return await daemon.ask("POST", "/v1/images", FORMATS, body)


async def traffic(daemon: Daemon, rounds=6, size=100_000):
    """Uploads, downloads, lists and mistakes, each over a connection of its own; all answers."""
    answers = []
    for number in range(rounds):
        created = await create(daemon, bytes([number]) * size)
        path = f"/v1/images/{created.json['image']['id']}"
        answers.append(created)
        for method in ("GET", "HEAD", "DELETE", "GET"):
            answers.append(await daemon.ask(method, path))
    for method, path in HOSTILE:
        answers.append(await daemon.ask(method, path))
    return answers


def records(daemon: Daemon):
    """Its log, each line of which must be an object."""
    return [json.loads(line) for line in daemon.out.decode().splitlines()]
