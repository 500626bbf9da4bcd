"""A Keystone of our own, started once for all tests, and what an operator does with it."""

from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import uuid4

from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from tests.integration.daemon import free_port
from tests.services import RealServer

#: Where users have their roles, as keystone.sh makes them.
PROJECTS = {
    "admin": ("admin", "default"),
    "glance": ("service", "default"),
    "swift": ("service", "default"),
    "demo": ("demo", "default"),
    "demo_reader": ("demo", "default"),
    "alt_demo": ("alt_demo", "default"),
}


class RealKeystone(RealServer):
    """Everything here blocks."""

    def __init__(self):
        #: Where the catalogue says that images are.
        self.image_port = free_port()
        image_url = f"http://127.0.0.1:{self.image_port}"
        super().__init__("keystone", KEYSTONE_IMAGE_URL=image_url)

    @property
    def url(self):
        return self.values["OS_AUTH_URL"]

    @property
    def password(self):
        """The password of every user."""
        return self.values["KEYSTONE_PASSWORD"]

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

    def application_credential(self, user, name, **details):
        """Id and secret of a new application credential; ``details`` as ``access_rules``."""
        session = self.session(user)
        asked = {"name": name, "unrestricted": False, **details}
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

    def brief_token(self, user, seconds):
        """A token that lives for so long: as long as the application credential that gets it."""
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        named = f"{end:%Y-%m-%dT%H:%M:%SZ}"
        credential = self.application_credential(user, str(uuid4()), expires_at=named)
        return self.token_of_credential(*credential)

    def validations(self):
        """How often it has been asked about a token."""
        log = (self.directory / "log" / "access.log").read_text()
        return log.count('"GET /v3/auth/tokens')


@cache
def real_keystone():
    """The one Keystone of this run, which is running; blocks."""
    keystone = RealKeystone()
    keystone.start()
    return keystone
