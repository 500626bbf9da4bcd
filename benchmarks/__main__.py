"""
How fast glancetx is beside others: ``python -m benchmarks``, explained in docs/performance.

Everything runs on 127.0.0.1 and in one directory, which is removed in the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import targets
from benchmarks.bench import Running
from benchmarks.clients import Clients, Failed
from benchmarks.host import Host
from benchmarks.measures import Measure, Scale, digest_alone, measures
from benchmarks.processes import NotStarted
from benchmarks.report import Report, machine
from benchmarks.sources import MIB, NoRoom, Sources, workplace
from benchmarks.targets import LENGTH, Target

#: How often each of so many bytes may lie on the disk at the same time.
COPIES = 10


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds of less, in two minutes")
    parser.add_argument("--rounds", type=int, help="how often each measure is taken [5]")
    parser.add_argument("--seconds", type=float, help="of each measure by time [2]")
    parser.add_argument("--size", type=int, help="MiB that a single stream moves [512]")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="measures whose name contains this; may be repeated")  # fmt: skip
    parser.add_argument("--target", action="append", metavar="NAME|FILE.toml",
                        help="glancetx, nginx, twisted, loop or a profile; may be repeated "
                        "[these four]")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, help="of glancetx, and of nginx [1]")
    parser.add_argument("--digests", help="what glancetx and loop compute, by commas [its default]")
    parser.add_argument("--directory", type=Path, help="to work below [$TMPDIR or /var/tmp]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="with values of before")
    given = parser.parse_args(arguments)
    given.rounds = given.rounds or (3 if given.quick else 5)
    given.seconds = given.seconds or (1.0 if given.quick else 2.0)
    given.size = (given.size or (128 if given.quick else 512)) * MIB
    return given


def chosen(names: Sequence[str] | None, digests: str | None) -> Iterator[Target]:
    """
    The targets of these names, the daemon itself first.

    :raises ValueError: when one is neither known nor a profile.
    """
    names_of_digests = digests.split(",") if digests else []
    known = {
        targets.GLANCETX: lambda: targets.glancetx(names_of_digests),
        targets.NGINX: targets.nginx,
        targets.TWISTED: targets.twisted,
        targets.LOOP: lambda: targets.loop(names_of_digests),
    }
    for name in names or known:
        if name in known:
            yield known[name]()
        elif name.endswith(".toml"):
            yield targets.from_profile(Path(name))
        else:
            raise ValueError(f"{name!r} is neither {', '.join(known)} nor a profile")


def run(given: argparse.Namespace, report: Report) -> None:
    """
    Take all measures, in rounds in which the targets take turns.

    :raises NoRoom, NotStarted, Failed, ValueError: when that is impossible.
    """
    scale = Scale(given.size, given.seconds)
    if not given.target and shutil.which("nginx") is None:
        raise ValueError("nginx is missing: install it, or name the targets that you want")
    with ExitStack() as stack:
        directory = stack.enter_context(workplace(given.directory, COPIES * scale.size))
        clients, sources = Clients(), Sources(directory)
        stack.callback(clients.close)
        running = []
        for target in chosen(given.target, given.digests):
            running.append(Running.start(target, directory, clients, sources, given.workers))
            stack.callback(running[-1].server.stop)
        for measure in measures(given.only):
            fitting = [each for each in running if measure.fits(each)]
            if fitting:
                _take(measure, fitting, scale, given.rounds, report)


def _take(
    measure: Measure, running: Sequence[Running], scale: Scale, rounds: int, report: Report
) -> None:
    # The first round warms up, and counts for nobody.
    for number in range(rounds + 1):
        _tell(f"{measure.name}: round {number} of {rounds}")
        # Whoever comes first has no advantage of it.
        turn = number % len(running)
        for each in [*running[turn:], *running[:turn]]:
            values = measure.take(each, scale)
            if number:
                report.add(measure.name, each.target.name, values)
        if number and measure.name == f"upload 1 {LENGTH}":
            report.add(measure.name, "md5", digest_alone(scale))


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def main() -> int:
    given = read_arguments(sys.argv[1:])
    # As ^C: everything is stopped and removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report, host, status = Report(), Host(), 0
    try:
        before = Report.from_json(given.compare) if given.compare else None
        run(given, report)
    except (NoRoom, NotStarted, Failed, ValueError, OSError) as error:
        print(f"\nbenchmarks: {error}", file=sys.stderr)
        status, before = 1, None
    except KeyboardInterrupt:
        status, before = 130, None
    _tell("")
    busy = f"load {os.getloadavg()[0]:.1f}  stolen {(stolen := host.stolen):.1%}"
    print("  ".join(map(str, machine().values())), busy, sep="  ")
    print(f"{given.size // MIB} MiB, {given.rounds} rounds, {given.workers} workers\n")
    print(report.table(before))
    if given.json:
        given.json.write_text(
            report.to_json(arguments=sys.argv[1:], stolen=stolen), encoding="utf-8"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
