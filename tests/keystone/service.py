"""A Keystone of our own, started once for all tests, and what an operator does with it."""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from tests.integration.daemon import free_port

SERVICES = Path(
    os.environ.get("GLANCE_SERVICES")
    or Path(__file__).resolve().parents[2].parent / "shared" / "services"
)

#: Where users have their roles, as keystone.sh makes them.
PROJECTS = {
    "admin": ("admin", "default"),
    "glance": ("service", "default"),
    "swift": ("service", "default"),
    "demo": ("demo", "default"),
    "demo_reader": ("demo", "default"),
    "alt_demo": ("alt_demo", "default"),
}


class RealKeystone:
    """Everything here blocks."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="keystone-"))
        self.port = free_port()
        #: Where the catalogue says that images are.
        self.image_port = free_port()
        self.password = ""
        atexit.register(self._remove)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v3"

    def start(self, token_life=3600):
        """Start it, with tokens that live for so many seconds."""
        said = self._script(
            "start",
            str(self.port),
            KEYSTONE_IMAGE_URL=f"http://127.0.0.1:{self.image_port}",
            KEYSTONE_TOKEN_EXPIRATION=str(token_life),
        )
        values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        self.password = values["KEYSTONE_PASSWORD"]

    def stop(self):
        self._script("stop")

    def restart(self, token_life=3600):
        self.stop()
        self.start(token_life)

    def session(self, user, **scope):
        """A session of one of the users, for his project unless another scope is given."""
        if not scope:
            project, domain = PROJECTS[user]
            scope = {"project_name": project, "project_domain_id": domain}
        return Session(
            v3.Password(
                self.url, username=user, user_domain_id="default", password=self.password, **scope
            )
        )

    def token(self, user, **scope):
        return self.session(user, **scope).get_token()

    def revoke(self, token):
        self.session("admin").delete(f"{self.url}/auth/tokens", headers={"X-Subject-Token": token})

    def application_credential(self, user, name, access_rules=None):
        """Id and secret of a new application credential."""
        session = self.session(user)
        asked = {"name": name, "unrestricted": False}
        if access_rules is not None:
            asked["access_rules"] = access_rules
        answer = session.post(
            f"{self.url}/users/{session.get_user_id()}/application_credentials",
            json={"application_credential": asked},
        ).json()["application_credential"]
        return answer["id"], answer["secret"]

    def token_of_credential(self, identity, secret):
        return Session(
            v3.ApplicationCredential(
                self.url, application_credential_id=identity, application_credential_secret=secret
            )
        ).get_token()

    def validations(self):
        """How often it has been asked about a token."""
        log = (self.directory / "log" / "access.log").read_text()
        return log.count('"GET /v3/auth/tokens')

    def _script(self, verb, *arguments, **environment):
        return subprocess.run(
            [SERVICES / "keystone.sh", verb, self.directory, *arguments],
            env={**os.environ, **environment},
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            timeout=300,
        ).stdout

    def _remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@cache
def real_keystone():
    """The one Keystone of this run, which is running; blocks."""
    keystone = RealKeystone()
    keystone.start()
    return keystone
