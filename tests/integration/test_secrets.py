"""A whole run, of whose secrets none is in its log, which has all levels down to debug."""

import os
import signal

from glancetx.identity.token_file import new_token, token_lines
from tests.integration.daemon import FORMATS, free_port, start
from tests.integration.test_copy import CopyCase

#: What is refused, in many ways; paths are no place for secrets, queries may be.
REFUSED: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "/v1/nope?secret=%s", {}),
    ("GET", "/v1/images?sort_key=%s", {}),
    ("HEAD", "/v1/images/none?token=%s", {}),
    ("POST", "/v1/images", {"x-image-meta-id": "%s"}),
    ("POST", "/v1/images", {"x-image-meta-store": "%s"}),
    ("POST", "/v1/images", {"x-image-meta-location": "swift://user:%s@host/container/object"}),
    ("POST", "/v1/images", {"x-glance-api-copy-from": "file:///%s"}),
)


class SecretTests(CopyCase):
    """Tokens, and what users put into the addresses of their sources."""

    async def start(self):
        tokens = self.place / "tokens.toml"
        self.alice = new_token()
        tokens.write_text(token_lines(self.alice, "alice", "demo", ["member"]))
        config = self.place / "glance.toml"
        config.write_text(
            f'auth = "tokens:{tokens}"\n'
            f'[[store]]\nkind = "file"\ndirectory = "{self.place / "images"}"\n'
            '[[store]]\nkind = "http"\nallow = "127.0.0.1"\n'
        )
        return await start(self, "--config", config, "--registry", "memory:")

    async def test_log(self):
        """Whatever is asked, and whatever becomes of it, the log tells none of them (R2)."""
        daemon = await self.start()
        own = {"X-Auth-Token": self.alice}
        secrets = [self.alice]

        def secret():
            secrets.append(new_token())
            return secrets[-1]

        for stranger in ("X-Auth-Token", "X-Storage-Token", "Authorization", "Cookie"):
            answer = await daemon.ask("GET", "/v1/images", {stranger: secret()})
            self.assertEqual(answer.status, 401)
        for method, path, headers in REFUSED:
            filled = {name: value.replace("%s", secret()) for name, value in headers.items()}
            answer = await daemon.ask(method, path.replace("%s", secret()), {**own, **filled})
            self.assertGreaterEqual(answer.status, 400)

        (self.place / "image").write_bytes(b"hello")
        host = self.source.removeprefix("http://")
        for source in (
            f"http://{host}/image?signature={secret()}",
            f"http://user:{secret()}@{host}/image",
            f"http://{host}/{secret()}",
            f"http://127.0.0.1:{free_port()}/{secret()}",
        ):
            for field in ("x-glance-api-copy-from", "x-image-meta-location"):
                await daemon.ask("POST", "/v1/images", {**FORMATS, **own, field: source})
        answer = await daemon.ask("GET", "/v1/images/detail", own)
        self.assertGreater(len(answer.json["images"]), 0)
        for image in answer.json["images"]:
            await daemon.ask("GET", f"/v1/images/{image['id']}", own)
        answer = await daemon.ask("POST", "/v1/images", {**FORMATS, **own}, b"hello")
        self.assertEqual(answer.status, 201)

        os.kill(daemon.pid, signal.SIGHUP)
        await daemon.says("tokens.toml was read")
        await daemon.stop()
        daemon.assert_quiet()
        self.assertEqual([each for each in secrets if each in daemon.log], [])
