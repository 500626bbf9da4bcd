"""Whether in the end everything is as clients were told, and nothing is left besides."""

from __future__ import annotations

import re
from collections import Counter

from twisted.internet.threads import deferToThread

from glancetx.stores.file_tree import key_of
from tests.integration.daemon import ask, eventually, reactor
from tests.load.content import md5
from tests.load.model import Model
from tests.load.watch import Watch


class Judge:
    """
    Compares what the watch sees, and what daemons on ``ports`` give, with the model.

    Whatever must not be is a fault of the model's.
    """

    def __init__(self, model: Model, watch: Watch, ports: list[int]) -> None:
        self.model = model
        self.watch = watch
        self.ports = ports
        self.statuses: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    async def come_to_rest(self, patience):
        """Wait until nobody has anything left to do."""
        began = reactor.seconds()
        try:
            await eventually(lambda: not self._restless(), patience)
        except AssertionError:
            self.model.fault(f"no rest after {patience} s: {self._restless()[:5]}")
        print(f"at rest after {reactor.seconds() - began:.1f} s", flush=True)

    def _restless(self):
        return [row for row in self.watch.rows() if not row.is_at_rest]

    async def judge(self, clients):
        """Compare rows, files, downloads and members with the model, which so many clients made."""
        rows = {row.image_id: row for row in self.watch.rows()}
        self.judge_files(rows.values())
        for story in list(self.model.stories.values()):
            row = rows.get(story.image_id)
            if row is None:
                if story.is_made:
                    self.model.fault(f"{story.image_id} was acknowledged and is unknown")
                continue
            self.judge_row(story, row)
            if row.status == "active":
                await self.judge_bytes(story, row)
            elif row.status == "deleted":
                await self.judge_absence(row)
        self.statuses = Counter(row.status for row in rows.values())
        self.reasons = Counter(
            re.sub(r"\(.*?\)", "(…)", row.reason or "")
            for row in rows.values()
            if row.status == "killed"
        )
        await self.judge_members(rows, clients)

    def judge_files(self, rows):
        """What lies in the store is what records tell of, and no more."""
        recorded = {
            each["key"]: row.size
            for row in rows
            for each in row.locations
            if each["store"] == "file"
        }
        lying = {path: status.st_size for path, status in self.watch.files().items()}
        if left := sorted(lying.keys() - recorded.keys()):
            self.model.fault(f"{len(left)} files belong to nobody: {left[:5]}")
        if lost := sorted(recorded.keys() - lying.keys()):
            self.model.fault(f"{len(lost)} files are lost: {lost[:5]}")
        if other := [path for path in lying if recorded.get(path, lying[path]) != lying[path]]:
            self.model.fault(
                f"{len(other)} files have another size than their records: {other[:5]}"
            )

    def judge_row(self, story, row):
        """The record is what the last one who changed it was told."""
        fault = self.model.fault
        if story.is_deleted and row.status != "deleted":
            fault(f"{row.image_id} was deleted, and is {row.status}")
        if row.status == "deleted":
            if not story.deleters:
                fault(f"{row.image_id} is deleted, and nobody wanted that")
            if row.properties or row.locations:
                fault(f"{row.image_id} is deleted, and not empty: {row}")
            return
        if story.kept and row.status != "active":
            fault(f"{row.image_id} was acknowledged, and is {row.status}: {row.reason}")
        if row.status == "killed" and (not row.reason or row.locations):
            fault(f"{row.image_id} was killed without a reason, or has locations: {row}")
        if row.status == "killed" and story.has_whole_source and "remote" in row.reason:
            fault(f"{row.image_id} was not copied from a source that works: {row.reason}")
        if row.status == "active" and row.size and row.locations[0]["key"] != key_of(row.image_id):
            fault(f"{row.image_id} lies elsewhere: {row.locations}")
        for name, marks in story.marks.items():
            if not marks.may_be(row.properties.get(name)):
                found = row.properties.get(name)
                fault(f"{row.image_id} has {name}={found}, and {marks} were written")

    async def judge_bytes(self, story, row):
        """What comes has the right MD5, from either daemon."""
        for port in self.ports:
            answer = await deferToThread(ask, port, "GET", f"/v1/images/{row.image_id}")
            digest = md5(answer.body)
            expected = {story.kept} if story.kept else story.offered
            if answer.status != 200 or digest not in expected or digest != row.checksum:
                self.model.fault(
                    f"{row.image_id} came with {answer.status} as {digest}, "
                    f"its record says {row.checksum}, clients say {expected}"
                )

    async def judge_absence(self, row):
        """Nobody gets what is deleted."""
        port = self.ports[0]
        answer = await deferToThread(ask, port, "GET", f"/v1/images/{row.image_id}")
        if answer.status != 404:
            self.model.fault(f"{row.image_id} is deleted, and its bytes come with {answer.status}")

    async def judge_members(self, rows, clients):
        """Those are members who were told so, and nobody of images that are gone."""
        for client in range(clients):
            member = f"client{client}"
            path, port = f"/v1/shared-images/{member}", self.ports[client % len(self.ports)]
            answer = await deferToThread(ask, port, "GET", path)
            shared = {each["image_id"] for each in answer.json["shared_images"]}
            for image_id, story in self.model.stories.items():
                is_gone = image_id not in rows or rows[image_id].status == "deleted"
                expected = False if is_gone else story.members.get(member, False)
                if expected is not None and expected is not (image_id in shared):
                    self.model.fault(f"{member} is a member of {image_id}: {not expected}")

    def judge_logs(self, daemons):
        """No log, also of those who were killed, shows a traceback."""
        for daemon in daemons:
            try:
                daemon.assert_quiet()
            except AssertionError as error:
                self.model.fault(f"a log is not quiet: {error}")

    def tell(self):
        """Print what came of it all."""
        print(f"answers: {dict(sorted(self.model.counts.items()))}")
        print(f"images: {dict(self.statuses)}; killed because: {dict(self.reasons)}", flush=True)
