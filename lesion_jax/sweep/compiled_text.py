"""What a program for a GPU does, read from what XLA compiled it to: kernels, bytes, arithmetic, collectives.

What is in a loop counts as often as the loop turns, where XLA knows how often, else once.
"""

import collections
import dataclasses
import json
import math
import re

_BITS = {"pred": 8, "bf16": 16, "tf32": 32}
_INSTRUCTION = re.compile(r"\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([a-z\-]+)\((.*?)\)(?:,|$)")
_RESULT = re.compile(r"(?:ROOT )?%?([\w.\-]+) = \(?(\w+\[[\d,]*\])")
_ARRAY = re.compile(r"(\w+)\[([\d,]*)\]")
_CONVOLUTION = re.compile(
    r"%?[\w.\-]+ = \(?(\w+\[[\d,]*\]).*? custom-call\(([^)]*)\).*?window=\{([^}]*)\}.*?dim_labels=(\S+?),"
    r'.*custom_call_target="__cudnn\$(\w+)"'
)
_GROUPS = re.compile(r"(feature|batch)_group_count=(\d+)")
_DOT = re.compile(r"%?[\w.\-]+ = (\w+\[[\d,]*\])\S* dot\(([^)]*)\).*?lhs_contracting_dims=\{([\d,]*)\}")
_CUBLAS = re.compile(r"%?[\w.\-]+ = \(?(\w+\[[\d,]*\]).*? custom-call\(([^)]*)\).*__cublas\$.*backend_config=(\{.*\})")
_COLLECTIVE = re.compile(
    r" = .*? (?:all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter|collective-broadcast)(?:-start)?\("
)
_COMPUTATION = re.compile(r"(ENTRY )?%?([\w.\-]+) (?:\(.*\) -> .*)?\{$")
_CALLED = re.compile(r"(?:calls|to_apply|condition|body)=%?([\w.\-]+)|branch_computations=\{([^}]*)\}")
_TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
# One launch each.
_KERNELS = ("fusion", "custom-call", "copy")


@dataclasses.dataclass(frozen=True)
class CompiledText:
    """Counts of one call of a program.

    Attributes:
      num_kernels: Kernels that are launched.
      bytes_moved: Bytes that kernels read and write.
      flops: Operations of convolutions and matrix products, as compiled.
      num_collectives: Collectives; one for each tuple of arrays that is reduced together.
    """

    num_kernels: int
    bytes_moved: int
    flops: int
    num_collectives: int


def read_compiled(text: str) -> CompiledText:
    """Reads the text of a compiled program, `jax.stages.Compiled.as_text()`."""
    entry, computations = _computations(text)
    num_kernels = bytes_moved = flops = 0
    for name, times in _turns(entry, computations).items():
        results = filter(None, (_RESULT.match(line.strip()) for line in computations[name]))
        shapes = {found[1]: found[2] for found in results}
        flops += times * sum(_flops_of(line, shapes) for line in computations[name])
        kernels, moved = _launches(computations[name])
        num_kernels += times * kernels
        bytes_moved += times * moved
    return CompiledText(num_kernels, bytes_moved, flops, len(_COLLECTIVE.findall(text)))


def _computations(text: str) -> tuple[str, dict[str, list[str]]]:
    """(name of the entry, lines of each computation by its name)."""
    entry, name, found = "", "", {}
    for line in text.splitlines():
        if begun := _COMPUTATION.match(line):
            name = begun[2]
            found[name] = []
            entry = name if begun[1] else entry
        elif name:
            found[name].append(line)
    return entry, found


def _turns(entry: str, computations: dict[str, list[str]]) -> dict[str, int]:
    """How often each computation that is reached runs in one call."""
    times: collections.Counter[str] = collections.Counter()

    def run(name: str, count: int) -> None:
        times[name] += count
        for line in computations[name]:
            turns = int(known[1]) if (known := _TURNS.search(line)) else 1
            for one, several in _CALLED.findall(line):
                for called in (one or several).split(","):
                    run(_name(called), count * turns)

    run(entry, 1)
    return dict(times)


def _launches(lines: list[str]) -> tuple[int, int]:
    """(kernels that a computation launches, bytes that they read and write)."""
    sizes: dict[str, int] = {}
    num_kernels = bytes_moved = 0
    for line in lines:
        if (found := _INSTRUCTION.match(line)) is None:
            continue
        name, result, operation, arguments = found.groups()
        sizes[name] = _bytes(result)
        if operation in _KERNELS:
            num_kernels += 1
            bytes_moved += sizes[name] + sum(sizes.get(_name(argument), 0) for argument in arguments.split(","))
    return num_kernels, bytes_moved


def _flops_of(line: str, shapes: dict[str, str]) -> int:
    if found := _CONVOLUTION.search(line):
        result, arguments, window, labels, target = found.groups()
        groups = dict(_GROUPS.findall(line))
        return _convolution(result, arguments, window, labels, target, shapes, groups)
    if found := _DOT.search(line):
        result, arguments, axes = found.groups()
        return _product(result, shapes[_name(arguments.split(",")[0])], [int(axis) for axis in axes.split(",") if axis])
    if found := _CUBLAS.search(line):
        result, arguments, config = found.groups()
        numbers = json.loads(config)["gemm_backend_config"]["dot_dimension_numbers"]
        axes = [int(axis) for axis in numbers["lhs_contracting_dimensions"]]
        return _product(result, shapes[_name(arguments.split(",")[0])], axes)
    return 0


def _product(result: str, left: str, contracted: list[int]) -> int:
    sides = _sides(left)
    return 2 * math.prod(_sides(result)) * math.prod(sides[axis] for axis in contracted)


def _convolution(
    result: str,
    arguments: str,
    window: str,
    labels: str,
    target: str,
    shapes: dict[str, str],
    groups: dict[str, str],
) -> int:
    first, second = (_sides(shapes[_name(argument)]) for argument in arguments.split(",")[:2])
    size = re.search(r"size=([\dx]+)", window)
    taps = math.prod(map(int, size[1].split("x"))) if size else 1
    image, rest = labels.split("_", 1)
    kernel = rest.split("->")[0]
    # Each output of the forward sees these many channels; the two gradients are the same sum in another order.
    if "Forward" in target:
        outputs, channels = _sides(result), second[kernel.index("i")]
    elif "BackwardInput" in target:
        outputs, channels = first, second[kernel.index("i")]
    else:
        outputs, channels = second, _sides(result)[kernel.index("i")]
    return 2 * taps * math.prod(outputs) * channels // int(groups.get("batch", 1))


def _name(argument: str) -> str:
    return argument.strip().split(" ")[-1].lstrip("%")


def _sides(array: str) -> list[int]:
    found = _ARRAY.search(array)
    assert found
    return [int(side) for side in found[2].split(",") if side]


def _bytes(text: str) -> int:
    """Bytes of all arrays of a result; a cuDNN call's scratch space is one of them."""
    total = 0
    for kind, sides in _ARRAY.findall(text):
        bits = _BITS.get(kind) or int(re.sub(r"\D", "", kind) or 0)
        total += math.prod(int(side) for side in sides.split(",") if side) * bits // 8
    return total
