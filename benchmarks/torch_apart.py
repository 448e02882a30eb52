"""PyTorch's steps in a process of its own, that `accelerator.py` starts: prepares, and times when it is told to.

    python benchmarks/torch_apart.py FOLDER '[{"name": "..", "network": "DCGAN", "width": 16, ...}]'

It writes FOLDER/ready when all are compiled, waits for FOLDER/go, and appends {"name", "seconds": [..]} or {"name",
"error"} to FOLDER/torch.jsonl for each.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch_peer
import torch_population

# Of all calls that are timed together.
_SECONDS = 0.15
_REPEATS = 5
_PREPARE_SECONDS = 170.0
_WAIT_SECONDS = 400.0


def prepare_and_time() -> None:
    """Prepares, waits, times."""
    folder, begun = Path(sys.argv[1]), time.monotonic()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # The algorithms that cuDNN finds fastest, and TF32, as XLA takes them.
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("high")
    with (folder / "torch.jsonl").open("a", buffering=1) as file:

        def tell(name: str, **found: Any) -> None:
            file.write(json.dumps({"name": name, "version": torch.__version__, **found}) + "\n")

        ready = {}
        for cell in json.loads(sys.argv[2]):
            if (folder / "go").exists() or time.monotonic() - begun > _PREPARE_SECONDS:
                tell(cell["name"], error="not compiled in time")
                continue
            try:
                step = make_step(cell, device)
                for _ in range(3):
                    step()
                ready[cell["name"]] = step
            except Exception as error:  # Whatever a compiler raises; the others go on.
                tell(cell["name"], error=f"{type(error).__name__}: {str(error)[:300]}")
        (folder / "ready").touch()
        while not (folder / "go").exists() and time.monotonic() - begun < _WAIT_SECONDS:
            time.sleep(0.1)
        for name, step in ready.items():
            tell(name, seconds=_timed(step))


def make_step(cell: dict[str, Any], device: str) -> Callable[[], None]:
    """A call that takes a step: of one network where "way" is "eager" or "compiled", else of several at once."""
    width, batch, size, bfloat16 = cell["width"], cell["batch"], cell["image"], cell["dtype"] == "bfloat16"
    where: dict[str, Any] = {"device": device, "bfloat16": bfloat16}
    if cell["network"] == "dcgan":
        where["discriminator_width"] = cell["discriminator"]
        single, several = torch_peer.gan_step, torch_population.gan_population_step
    else:
        single, several = torch_peer.classifier_step, torch_population.classifier_population_step
    if cell["way"] in torch_population.WAYS:
        return several(cell["way"], cell["members"], width, batch, size, **where)
    return single(width, batch, size, compiled=cell["way"] == "compiled", **where)


def _timed(step: Callable[[], None]) -> list[float]:
    start = time.perf_counter()
    step()
    num = max(1, min(200, int(_SECONDS / max(time.perf_counter() - start, 1e-6))))
    found = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        for _ in range(num):
            step()
        found.append((time.perf_counter() - start) / num)
    return found


if __name__ == "__main__":
    prepare_and_time()
