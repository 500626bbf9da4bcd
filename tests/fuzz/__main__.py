"""
``python -m tests.fuzz [NAME...]``: feed targets, or all, with what atheris finds out.

Each runs in a process of its own for GLANCE_FUZZ_SECONDS (60) and may take a second of CPU and
512 MiB for an input.
What it has learnt it keeps in ``.fuzz/NAME`` and begins with the next time; an input that broke a
target is written beside, and told.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SECONDS = int(os.environ.get("GLANCE_FUZZ_SECONDS", 60))
CORPORA = Path(os.environ.get("GLANCE_FUZZ_CORPUS", ".fuzz"))
#: Seconds for one input: of CPU, since others may keep the machine busy; and before it is ended.
MOST_CPU = 1.0
LONGEST = 600


def main(names: list[str]) -> int:
    """Run them one after the other; how many broke."""
    from tests.fuzz.targets import TARGETS

    broken = [name for name in names or TARGETS if not _survives(name)]
    print(f"{len(names or TARGETS) - len(broken)} targets hold, {len(broken)} broke", *broken)
    return len(broken)


def _survives(name: str) -> bool:
    command = [sys.executable, "-m", "tests.fuzz", "--one", name]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    told = [line for line in run.stderr.splitlines() if line.startswith(("Done", "stat::"))]
    print(
        f"{name}: {'; '.join(told) if run.returncode == 0 else run.stdout + run.stderr}", flush=True
    )
    return run.returncode == 0


def fuzz(name: str) -> None:
    """Feed one target, and leave the process."""
    import atheris

    with atheris.instrument_imports(include=["glancetx", "tests.fuzz"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = CORPORA / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def check(data: bytes) -> None:
        began = time.process_time()
        target.check(data)
        took = time.process_time() - began
        if took > MOST_CPU:
            raise AssertionError(f"an input took {took:.1f} s of CPU")

    limits = [f"-max_total_time={SECONDS}", f"-timeout={LONGEST}", "-rss_limit_mb=512"]
    limits.append("-max_len=4096")
    told = ["-print_final_stats=1", f"-artifact_prefix={CORPORA}/{name}-"]
    atheris.Setup([sys.argv[0], *limits, *told, str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
