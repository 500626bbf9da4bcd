"""What came of doing something to images, one by one."""

from __future__ import annotations

from attrs import asdict, field, frozen

from glancetx.command.base import Output


@frozen
class Failed:
    """An image that something could not be done to, and why."""

    id: str
    error: str


@frozen
class Outcome:
    """The ids of the images that something was done to, ``deed`` being the word for it."""

    deed: str
    done: list[str] = field(factory=list)
    failed: list[Failed] = field(factory=list)

    def show(self, output: Output) -> None:
        """Answer with it."""
        for image_id in self.done:
            output.line(f"{self.deed} {image_id}")
        for failure in self.failed:
            output.fail(f"{failure.id}: {failure.error}")
        output.object({self.deed: self.done, "failed": [asdict(each) for each in self.failed]})
