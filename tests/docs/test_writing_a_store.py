"""The example of docs/writing-a-store.md works, as its readers would install and start it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.integration.daemon import FORMATS, TWISTD, folder, start

# Resolved, for tox puts a link to the tests where only the installed package is beside them.
ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "writing-a-store.md"
EXAMPLE = ROOT / "docs" / "examples" / "attic"

#: Nothing but what is installed is to be found.
ALONE = {"PYTHONPATH": ""}


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command writes, which must succeed."""
    result = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **ALONE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        raise AssertionError(f"{command} failed:\n{result.stdout}")
    return result.stdout


@cache
def place() -> Path:
    """A directory that goes when the tests are over, with a copy of the example's sources."""
    directory = Path(tempfile.mkdtemp(prefix="glancetx-attic-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    leave_out = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "dropin.cache")
    shutil.copytree(EXAMPLE, directory / "sources", ignore=leave_out)
    return directory


@cache
def python() -> Path:
    """
    The Python of a fresh environment, into which the example was installed.

    It sees what is installed beside us, glancetx among it, so that nothing has to be downloaded.
    """
    environment = place() / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    bases = {"base": str(environment), "platbase": str(environment)}
    beside = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    Path(sysconfig.get_path("purelib", vars=bases), "beside.pth").write_text("".join(beside))
    program = environment / "bin" / "python"
    offline = ("--no-index", "--no-build-isolation", "--no-cache-dir")
    run(program, "-m", "pip", "install", "--quiet", *offline, place() / "sources", cwd=place())
    return program


class SourcesTests(SynchronousTestCase):
    """What readers see."""

    def test_shown(self) -> None:
        """The document shows every module of the example, and the file that installs it."""
        text = DOCUMENT.read_text(encoding="utf-8")
        shown = re.findall(r"^```\{literalinclude\} examples/attic/(\S+)$", text, re.MULTILINE)
        modules = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*.py")}
        self.assertEqual(set(shown), modules - {"acme_attic/__init__.py"} | {"pyproject.toml"})

    def test_short(self) -> None:
        """The store stays an example that one reads at a glance."""
        text = (EXAMPLE / "acme_attic" / "store.py").read_text(encoding="utf-8")
        lines = [line for line in text.partition("\n@")[2].splitlines() if line.strip()]
        self.assertLess(len(lines), 90)

    def test_types(self) -> None:
        """Strict type checking has nothing to say about it."""
        settings = ("--config-file", ROOT / "pyproject.toml")
        packages = ("acme_attic", "twisted")
        run(sys.executable, "-m", "mypy", *settings, *packages, cwd=place() / "sources")


class InstalledTests(TestCase):
    """The example in a fresh environment."""

    timeout = 180

    def test_fresh(self) -> None:
        """It was installed there, and is not to be found anywhere else."""
        ask = "import acme_attic.store; print(acme_attic.store.__file__)"
        self.assertTrue(run(python(), "-c", ask).startswith(str(place() / "environment")))
        self.assertRaises(AssertionError, run, sys.executable, "-c", ask)

    def test_keeps_contract(self) -> None:
        """It passes every test of the public suites there."""
        output = run(python(), "-m", "twisted.trial", "acme_attic", cwd=place())
        self.assertRegex(output, r"Ran [3-9]\d tests")
        self.assertIn("PASSED", output)

    def test_told_of(self) -> None:
        """``--help-stores`` tells of it there, beside our own."""
        output = run(python(), TWISTD, "glance", "--help-stores")
        self.assertIn(
            "attic - keeps images in the attic\n    attic:ROOT[:OPTION=VALUE...]\n", output
        )
        self.assertIn("\n\nfile - ", output)

    async def test_serves(self) -> None:
        """A daemon there takes an image, gives it, gives a part of it, and deletes it."""
        attic = folder(self) / "attic"
        daemon = await start(
            self,
            *("--registry", "memory:", "--store", f"attic:{attic}:threads=2"),
            before=(python(),),
            environment=ALONE,
        )
        body = bytes(range(256)) * 4096
        answer = await daemon.ask("POST", "/v1/images", FORMATS, body)
        self.assertEqual(answer.status, 201, answer.body)
        image_id = answer.json["image"]["id"]
        path = f"/v1/images/{image_id}"
        self.assertEqual((attic / image_id).read_bytes(), body)
        self.assertEqual((await daemon.ask("GET", path)).body, body)
        part = await daemon.ask("GET", path, {"Range": "bytes=300000-"})
        self.assertEqual((part.status, part.body), (206, body[300_000:]))
        self.assertEqual((await daemon.ask("DELETE", path)).status, 200)
        self.assertEqual(list(attic.iterdir()), [])
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()
