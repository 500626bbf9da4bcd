"""curl, requests and Python's http.client, as scripts use them."""

import json
import os
import shutil
import subprocess
from http.client import HTTPConnection
from typing import Any

import requests

from tests.clients.case import MIB, REMOTE, ClientCase, md5

DATA = os.urandom(3 * MIB + 7)

OCTETS = {"Content-Type": "application/octet-stream"}
FORMATS = {"x-image-meta-disk_format": "raw", "x-image-meta-container_format": "bare"}
NAME = "Zürich – 画像"


class CurlTests(ClientCase):
    """``curl``, from a shell."""

    def script(self, text):
        """What a script says; blocks, and fails when a command does."""
        result = subprocess.run(
            [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", text],
            capture_output=True,
            cwd=self.place,
            timeout=60,
            env={**os.environ, "G": f"{self.daemon.url}/v1", "SOURCE": self.source},
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode()

    def test_life_of_an_image(self):
        """Create with a file, look, change, download in two parts, delete."""

        def work():
            self.file("image", DATA)
            made = self.script(
                f"""curl -sSf -X POST $G/images -T image \\
                    -H 'Content-Type: application/octet-stream' \\
                    -H 'x-image-meta-name: {NAME}' -H 'x-image-meta-disk_format: raw' \\
                    -H 'x-image-meta-container_format: bare' -H 'x-image-meta-is_public: true'"""
            )
            image = json.loads(made)["image"]
            self.assertEqual((image["checksum"], image["name"]), (md5(DATA), NAME))
            said = self.script(
                f"""
                I=$G/images/{image["id"]}
                curl -sSf -I $I
                curl -sSf -X PUT $I -H 'x-image-meta-property-os: debian' >/dev/null
                curl -sSf -o copy -r 0-99999 $I
                curl -sSf -o copy -C - $I
                cmp copy image
                curl -sSf -D - -o /dev/null -r -5 $I
                curl -sSf "$G/images/detail?name=Z%C3%BCrich%20%E2%80%93%20%E7%94%BB%E5%83%8F"
                curl -sSf -X DELETE $I
                curl -sS -o /dev/null -w '%{{http_code}}' $I
                """
            )
            self.assertIn(f"X-Image-Meta-Checksum: {md5(DATA)}".lower(), said.lower())
            self.assertIn("206 Partial Content", said)
            self.assertIn('"os": "debian"', said)
            self.assertTrue(said.endswith("404"), said)

        return self.in_thread(work)

    def test_uploads_of_all_kinds(self):
        """A body by ``--data-binary``, from a pipe, to a reserved image, and a copy."""

        def work():
            self.file("image", DATA)
            octets = "-H 'Content-Type: application/octet-stream'"
            formats = "-H 'x-image-meta-disk_format: raw' -H 'x-image-meta-container_format: bare'"
            for command in (
                f"curl -sSf $G/images {octets} {formats} --data-binary @image",
                f"cat image | curl -sSf -X POST $G/images {octets} {formats} -T -",
                f"""ID=$(curl -sSf -X POST $G/images {formats} | grep -o '"id": "[^"]*' | cut -c8-)
                    curl -sSf -X PUT $G/images/$ID {octets} -T image""",
            ):
                image = json.loads(self.script(command))["image"]
                self.assertEqual((image["status"], image["checksum"]), ("active", md5(DATA)))
            copy = f"-H x-glance-api-copy-from:$SOURCE/image -X POST {formats}"
            said = json.loads(self.script(f"curl -sSf $G/images {copy}"))
            self.assertEqual(said["image"]["size"], len(REMOTE))
            return said["image"]["id"]

        return self.in_thread(work)

    def test_mistakes(self):
        """What people forget: the type of the data, and that HEAD has no body."""

        def work():
            self.file("image", b"data")
            status = "-s -o answer -w '%{http_code}'"
            formats = "-H 'x-image-meta-disk_format: raw' -H 'x-image-meta-container_format: bare'"
            said = self.script(
                f"curl {status} $G/images {formats} --data-binary @image; cat answer"
            )
            self.assertTrue(said.startswith("400"))
            self.assertIn("application/octet-stream", said)
            members = "$G/images/00000000-0000-0000-0000-000000000000/members/x"
            self.assertEqual(self.script(f"curl {status} -X PUT {members}"), "404")
            self.assertEqual(self.script(f"curl {status} -X PATCH $G/images"), "405")

        return self.in_thread(work)


class RequestsTests(ClientCase):
    """The ``requests`` library."""

    def test_session(self):
        """One connection after the other things: file, generator, stream, listing, members."""

        def work():
            url = f"{self.daemon.url}/v1/images"
            with requests.Session() as session, self.file("image", DATA).open("rb") as file:
                headers: dict[str, str | bytes] = {**OCTETS, **FORMATS}
                headers["x-image-meta-name"] = NAME.encode()
                made = session.post(url, headers=headers, data=file)
                self.assertEqual(made.status_code, 201)
                image = made.json()["image"]
                self.assertEqual((image["checksum"], image["name"]), (md5(DATA), NAME))
                pieces = (DATA[n : n + 100_000] for n in range(0, len(DATA), 100_000))
                chunked = session.post(url, headers={**OCTETS, **FORMATS}, data=pieces)
                self.assertEqual(chunked.json()["image"]["checksum"], md5(DATA))
                self.assertEqual(made.headers["Location"], f"{url}/{image['id']}")
                head = session.head(made.headers["Location"])
                self.assertEqual(head.headers["x-image-meta-size"], str(len(DATA)))
                # requests reads headers as Latin-1, too.
                name = head.headers["x-image-meta-name"].encode("latin-1").decode()
                self.assertEqual(name, NAME)
                with session.get(made.headers["Location"], stream=True) as response:
                    data = b"".join(response.iter_content(65536))
                self.assertEqual(data, DATA)
                part = session.get(made.headers["Location"], headers={"Range": "bytes=5-9"})
                self.assertEqual((part.status_code, part.content), (206, DATA[5:10]))
                listed = session.get(f"{url}/detail", params={"is_public": "None", "name": NAME})
                self.assertEqual([each["id"] for each in listed.json()["images"]], [image["id"]])
                members = f"{made.headers['Location']}/members"
                share: Any = {"memberships": [{"member_id": "one", "can_share": True}]}
                self.assertEqual(session.put(members, json=share).status_code, 204)
                self.assertEqual(
                    session.get(members).json(),
                    {"members": [{"member_id": "one", "can_share": True}]},
                )
                again = session.post(url, headers={"x-image-meta-id": image["id"]})
                self.assertEqual(again.status_code, 409)
                asked = {"Accept": "application/json"}
                missing = session.get(f"{url}/nothing", headers=asked)
                self.assertEqual(
                    (missing.status_code, missing.json()["code"]), (404, "404 Not Found")
                )
                self.assertEqual(session.delete(made.headers["Location"]).status_code, 200)

        return self.in_thread(work)

    def test_too_large(self):
        """Who sends more than is allowed sees 413, although the daemon stops reading."""

        def work():
            pieces = (bytes(MIB) for _ in range(64))
            url = f"{self.daemon.url}/v1/images"
            answer = requests.post(url, headers={**OCTETS, **FORMATS}, data=pieces, timeout=60)
            self.assertEqual(answer.status_code, 413)

        return self.in_thread(work)


class HttpClientTests(ClientCase):
    """Python's ``http.client``, on one connection."""

    def test_one_connection(self):
        """Everything on one connection, which stays open also after errors."""

        def work():
            connection = HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
            try:
                connection.connect()
                local = connection.sock.getsockname()

                def ask(method, path, body=None, headers=(), **details):
                    connection.request(method, path, body, dict(headers), **details)
                    response = connection.getresponse()
                    return response, response.read()

                _, body = ask("POST", "/v1/images", DATA, {**OCTETS, **FORMATS})
                path = f"/v1/images/{json.loads(body)['image']['id']}"
                for _ in range(3):
                    response, body = ask("GET", path)
                    self.assertEqual((response.status, body), (200, DATA))
                    self.assertEqual(ask("HEAD", path)[0].status, 200)
                    self.assertEqual(ask("GET", "/v1/images/unknown")[0].status, 404)
                pieces = iter([DATA[:10], DATA[10:]])
                chunked = {**OCTETS, **FORMATS, "Transfer-Encoding": "chunked"}
                response, body = ask("POST", "/v1/images", pieces, chunked, encode_chunked=True)
                self.assertEqual(json.loads(body)["image"]["checksum"], md5(DATA))
                self.assertEqual(ask("DELETE", path)[0].status, 200)
                self.assertEqual(connection.sock.getsockname(), local)
            finally:
                connection.close()

        return self.in_thread(work)
