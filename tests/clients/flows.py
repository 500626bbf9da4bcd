"""What whole programs do, step by step: the replicator, Nova, Horizon (contract §13)."""

import json
from http.client import HTTPConnection

from tests.clients.case import MIB, ClientCase, md5

DATA = b"0123456789abcdef" * (MIB // 16)


class FlowCase(ClientCase):
    """Gives tests requests whose headers keep their bytes."""

    def ask(self, method, path, headers=(), body=None):
        """Status, headers in lower case, and body; blocks."""
        connection = HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        try:
            connection.putrequest(method, f"/v1{path}")
            for name, value in dict(headers).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return response.status, fields, response.read()
        finally:
            connection.close()

    def create(self, data=DATA, **meta):
        """The document of a new image; blocks."""
        meta = {"disk_format": "raw", "container_format": "bare", **meta}
        headers = {f"x-image-meta-{name}": value for name, value in meta.items()}
        headers["Content-Type"] = "application/octet-stream"
        status, _, body = self.ask("POST", "/images", headers, data)
        self.assertEqual(status, 201, body)
        return json.loads(body)["image"]


class ReplicatorTests(FlowCase):
    """The replicator: reads all of one service and writes it to another."""

    #: What it does not send back.
    KEPT_BACK = {"created_at", "deleted_at", "updated_at", "location"}

    def test_copies_everything(self):
        """All headers of HEAD are taken back by POST, and the same image comes of it (T-07)."""

        def work():
            meta = {
                "name": "Zürich – 画像".encode(),
                "owner": "acme",
                "is_public": "True",
                "protected": "True",
                "min_disk": "1",
                "min_ram": "2",
                "property-os_distro": "débian".encode(),
                "property-none": "",
            }
            ids = [self.create(**meta)["id"] for _ in range(3)]
            ids.append(self.create(data=None, name="reserved")["id"])
            self.assertEqual(set(self.all_ids()), set(ids))
            for number, image_id in enumerate(ids[:3]):
                _, head, _ = self.ask("HEAD", f"/images/{image_id}")
                _, _, data = self.ask("GET", f"/images/{image_id}")
                sent = self.taken_from(head)
                # It stays 409 as long as the service has it.
                self.assertEqual(self.ask("POST", "/images", sent, data)[0], 409)
                sent["x-image-meta-id"] = f"00000000-0000-0000-0000-{number:012}"
                status, _, body = self.ask("POST", "/images", sent, data)
                self.assertEqual(status, 201, body)
                copy = json.loads(body)["image"]
                self.assertEqual((copy["status"], copy["checksum"]), ("active", md5(data)))
                _, again, _ = self.ask("HEAD", f"/images/{copy['id']}")
                self.assertEqual(
                    {**self.taken_from(again), "x-image-meta-id": image_id},
                    {**self.taken_from(head), "x-image-meta-id": image_id},
                )

        return self.in_thread(work)

    def taken_from(self, head):
        """What it makes of the headers of HEAD: all of them, nulls as empty ones."""
        sent = {"Content-Type": "application/octet-stream", "x-image-meta-virtual_size": ""}
        for name, value in head.items():
            if name.removeprefix("x-image-meta-") in self.KEPT_BACK:
                continue
            if name.startswith("x-image-meta-"):
                sent[name] = value.encode("latin-1")
        return sent

    def all_ids(self):
        """The ids of all images, page by page until one is empty."""
        ids: list[str] = []
        marker = ""
        while True:
            _, _, body = self.ask("GET", f"/images/detail?is_public=None{marker}")
            page = [image["id"] for image in json.loads(body)["images"]]
            if not page:
                return ids
            ids += page
            marker = f"&marker={page[-1]}"

    def test_update_of_what_has_changed(self):
        """It sends an existing image's metadata by PUT."""

        def work():
            image = self.create(name="old")
            _, head, _ = self.ask("HEAD", f"/images/{image['id']}")
            sent = {**self.taken_from(head), "x-image-meta-name": "new"}
            status, _, body = self.ask("PUT", f"/images/{image['id']}", sent)
            self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(body)["image"]["name"], "new")

        return self.in_thread(work)


class NovaTests(FlowCase):
    """Nova: snapshots, and the images that it boots from."""

    def test_snapshot(self):
        """Reserve with properties, then send data without purging them (T-08)."""

        def work():
            properties = {
                "property-image_type": "snapshot",
                "property-instance_uuid": "0b6b0e0e-7d6e-4f0c-8e3c-0123456789ab",
                "property-user_id": "me",
                "property-base_image_ref": "",
            }
            reserved = self.create(data=None, name="snap", is_public="False", **properties)
            self.assertEqual(reserved["status"], "queued")
            headers = {
                "Content-Type": "application/octet-stream",
                "x-glance-registry-purge-props": "False",
                "x-image-meta-size": str(len(DATA)),
                "x-image-meta-disk_format": "qcow2",
                "x-image-meta-container_format": "bare",
                "x-image-meta-is_public": "False",
                "x-image-meta-property-kernel_id": "none",
            }
            path = f"/images/{reserved['id']}"
            status, _, body = self.ask("PUT", path, headers, DATA)
            self.assertEqual(status, 200, body)
            _, head, _ = self.ask("HEAD", path)
            self.assertEqual(head["x-image-meta-status"], "active")
            self.assertEqual(head["x-image-meta-property-image_type"], "snapshot")
            self.assertEqual(head["x-image-meta-property-kernel_id"], "none")
            for (
                needed
            ) in "id size deleted is_public min_disk min_ram created_at updated_at".split():
                self.assertIn(f"x-image-meta-{needed}", head)
            query = "?is_public=none&property-instance_uuid=0b6b0e0e-7d6e-4f0c-8e3c-0123456789ab"
            _, _, body = self.ask("GET", f"/images/detail{query}")
            [found] = json.loads(body)["images"]
            self.assertEqual(found["properties"]["base_image_ref"], None)

        return self.in_thread(work)


class HorizonTests(FlowCase):
    """Horizon: a record first, its bytes from the background, and pages in both directions."""

    async def test_create_by_copy(self):
        """A record, and then a copy into it."""

        def work():
            image = self.create(data=None, name="from the web")
            headers = {
                "x-glance-registry-purge-props": "false",
                "x-glance-api-copy-from": f"{self.source}/image",
            }
            status, _, body = self.ask("PUT", f"/images/{image['id']}", headers)
            self.assertEqual(status, 200, body)
            return image["id"]

        await self.daemon.becomes(await self.in_thread(work), "active")

    def test_pages_in_both_directions(self):
        """The page before is the page after in the other direction."""

        def work():
            ids = [self.create(data=None, name=f"{n}", is_public="True")["id"] for n in range(9)]
            newest_first = ids[::-1]

            def page(marker, direction):
                query = f"?limit=4&sort_key=created_at&sort_dir={direction}&marker={marker}"
                _, _, body = self.ask("GET", f"/images/detail{query}")
                return [image["id"] for image in json.loads(body)["images"]]

            self.assertEqual(page(newest_first[3], "desc"), newest_first[4:8])
            self.assertEqual(page(newest_first[4], "asc"), newest_first[:4][::-1])

        return self.in_thread(work)
