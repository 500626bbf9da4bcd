"""Real clusters with a Swift API, and what lies in them, as their operators see it."""

import os
import socket
from functools import cache

import requests

from tests.services import HOST, RealServer, real_server

#: Numbers of containers, so that each test has its own.
_numbers = iter(range(1, 1 << 30))


def new_container():
    """The name of a container that no test has used."""
    return f"images-{os.getpid()}-{next(_numbers)}"


class Spy:
    """Looks into an account, past the store; everything here blocks."""

    def __init__(self, log_in):
        """``log_in`` returns the URL of the account and a token."""
        self._log_in = log_in
        self.url, self.token = log_in()

    def ask(self, method, path, **details):
        """The answer of Swift, with a new token when the old one is good no more."""
        answer = self._ask(method, path, **details)
        if answer.status_code == 401:
            self.url, self.token = self._log_in()
            answer = self._ask(method, path, **details)
        return answer

    def _ask(self, method, path, headers=(), **details):
        headers = {"X-Auth-Token": self.token, **dict(headers)}
        url = self.url + path
        return requests.request(method, url, headers=headers, timeout=60, **details)

    def names(self, container):
        """The names of all objects; none when there is no such container."""
        answer = self.ask("GET", f"/{container}?format=json")
        return [each["name"] for each in answer.json()] if answer.status_code == 200 else []

    def segments_of(self, container, name):
        """The names of the segments of an object, or None when it is none of segments."""
        answer = self.ask("HEAD", f"/{container}/{name}")
        if "X-Static-Large-Object" not in answer.headers:
            return None
        manifest = self.ask("GET", f"/{container}/{name}?multipart-manifest=get").json()
        return [each["name"].removeprefix(f"/{container}_segments/") for each in manifest]

    def strays(self, container):
        """The segments without an image, and those of images that have some of two attempts."""
        images = set(self.names(container))
        segments = [name.split("/") for name in self.names(f"{container}_segments")]
        attempts = {image: {a for i, a, _ in segments if i == image} for image, _, _ in segments}
        return [name for name in segments if name[0] not in images or len(attempts[name[0]]) > 1]

    def leftovers(self, container):
        """The segments that no manifest names."""
        named = [self.segments_of(container, name) or [] for name in self.names(container)]
        return sorted(set(self.names(f"{container}_segments")) - set(sum(named, [])))


def write_secret(path, **values):
    """A file of credentials; returns its absolute path."""
    path = os.path.abspath(path)
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f'{name} = "{value}"\n' for name, value in values.items())
    return path


def forget_tokens(server):
    """Let a Swift know no token any more: it remembers them in memcached only."""
    with socket.create_connection((HOST, server.port + 4), timeout=60) as memcached:
        memcached.sendall(b"flush_all\r\n")
        answer = memcached.recv(100)
    if answer != b"OK\r\n":
        raise RuntimeError(f"memcached says {answer!r}")


class Cluster:
    """A server with auth version 1, and a user of his own account; everything here blocks."""

    def __init__(self, server, auth, user, key):
        self.server = server
        self.auth = auth
        self.user = user
        self.key = key
        self.spy = Spy(self.log_in)

    def log_in(self):
        headers = {"X-Auth-User": self.user, "X-Auth-Key": self.key}
        answer = requests.get(self.auth, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]

    def credentials(self, path):
        """A file with what opens the account."""
        return write_secret(path, user=self.user, key=self.key)


class KeystoneCluster:
    """The same with Keystone, in whose catalogue it is."""

    def __init__(self, server, keystone):
        self.server = server
        self.auth = keystone.values["OS_AUTH_URL"]
        self.keystone = keystone
        self.spy = Spy(self.log_in)

    def log_in(self):
        values = self.keystone.values
        user = {"name": "glance", "domain": {"id": "default"}, "password": self.password}
        project = {"name": "service", "domain": {"id": "default"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        asked = {"auth": {"identity": identity, "scope": {"project": project}}}
        answer = requests.post(f"{values['OS_AUTH_URL']}/auth/tokens", json=asked, timeout=60)
        answer.raise_for_status()
        urls = [
            endpoint["url"]
            for service in answer.json()["token"]["catalog"]
            for endpoint in service["endpoints"]
            if (service["type"], endpoint["interface"]) == ("object-store", "public")
        ]
        return urls[0], answer.headers["X-Subject-Token"]

    @property
    def password(self):
        return self.keystone.values["KEYSTONE_PASSWORD"]

    def credentials(self, path):
        return write_secret(path, username="glance", password=self.password, project_name="service")


@cache
def swift():
    """The one Swift of this run that knows auth version 1; it runs."""
    server = real_server("swift")
    values = server.values
    return Cluster(server, values["SWIFT_AUTH_URL"], values["SWIFT_USER"], values["SWIFT_KEY"])


@cache
def swift_with_keystone():
    """The one Swift of this run that knows Keystone; both run."""
    server = RealServer("swift")
    keystone = RealServer("keystone", KEYSTONE_SWIFT_URL=f"http://{HOST}:{server.port}")
    keystone.start()
    values = keystone.values
    server.settings = {
        "SWIFT_KEYSTONE_URL": values["KEYSTONE_URL"],
        "OS_USERNAME": "swift",
        "OS_PASSWORD": values["OS_PASSWORD"],
        "OS_PROJECT_NAME": "service",
    }
    server.start()
    return KeystoneCluster(server, keystone)


@cache
def ceph():
    """The one Ceph of this run; it runs."""
    server = real_server("ceph")
    values = server.values
    return Cluster(server, values["SWIFT_AUTH_URL"], values["SWIFT_USER"], values["SWIFT_KEY"])
