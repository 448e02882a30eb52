"""Damages source files of every kind and reads them: a refusal of ours, or lesions, and never anything else.

    python benchmarks/mutated_files.py --workdir /tmp/mutated --out benchmarks/results/mutated_files.json

--mutations damaged inputs over all kinds, drawn from --seed: bits flipped, bytes replaced, inserted and cut off, blocks
exchanged, tags exchanged, lengths that lie, streams that unpack to gigabytes, names that lead elsewhere, links that
loop. Each is read in a process that is told the time and memory that it may take. Some 15 minutes on two cores.
"""

import logging
import random
import resource
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mutations import damage
from rows import Row, begin, parser_of, write_rows
from small_sources import KINDS, Input
from trials import emptied

_MOST_SECONDS, _MOST_MIB = 60, 2048


def main() -> None:
    """Tries, prints and writes; exit status 1 where something went wrong."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--mutations", type=int, default=2000, help="over all kinds")
    parser.add_argument("--kind", choices=sorted(KINDS), help="one kind alone, with all mutations")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    flags = begin(parser)
    workdir = emptied(parser, flags.workdir)
    names = [flags.kind] if flags.kind else list(KINDS)
    each = -(-flags.mutations // len(names))
    rows, went_well = [], True
    for name in names:
        # A process of its own for each kind: its peak of memory is that kind's.
        with ProcessPoolExecutor(1) as pool:
            counts, slowest, most = pool.submit(_try_kind, name, workdir / name, each, flags.seed).result()
        tried, bad = sum(counts.values()), counts["traceback"] + counts["slow"]
        went_well &= not bad and most <= _MOST_MIB
        print(f"{name}: {dict(counts)}, slowest {slowest:.1f} s, {most:.0f} MiB", flush=True)
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        share = (tried - bad) / tried
        rows += [
            Row(measure=f"{name}: {told}", value=tried, unit="tried", ratio=share, must=1.0),
            Row(measure=f"{name}: slowest", value=slowest, unit="s"),
            Row(measure=f"{name}: most memory", value=most, unit="MiB"),
        ]
    write_rows(rows, flags)
    sys.exit(not went_well)


def _try_kind(name: str, folder: Path, num: int, seed: int) -> tuple[Counter, float, float]:
    """Counts of what came of it, the slowest in seconds, the most memory in MiB."""
    from lesion_jax.errors import LesionJaxError
    from lesion_jax.sources.cohort import read_lesions

    logging.disable(logging.CRITICAL)
    # What asks for more than this is told so by numpy at once, and is a traceback below.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    folder.mkdir(parents=True)
    whole: Input = KINDS[name](folder)
    content = {path: path.read_bytes() for path in whole.files}
    expected = whole.read(read_lesions).fingerprint
    counts: Counter[str] = Counter()
    slowest = 0.0
    for index in range(num):
        draw = random.Random(f"{seed} {name} {index}")
        kind, undo = damage(draw, whole, content)
        start = time.perf_counter()
        try:
            found = whole.read(read_lesions)
            counts["read alike" if found.fingerprint == expected else "read otherwise"] += 1
        except LesionJaxError:
            counts["refused"] += 1
        except Exception:
            counts["traceback"] += 1
            print(f"{name} {index}, {kind}:\n{traceback.format_exc()}", file=sys.stderr)
        took = time.perf_counter() - start
        counts["slow"] += took > _MOST_SECONDS
        slowest = max(slowest, took)
        undo()
    return counts, slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
