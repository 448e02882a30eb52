"""Four fake CPU devices, set before anything imports JAX, and the folder of real data."""

import gc
import os
from pathlib import Path

import pytest

from lesion_jax.runtime.cpu import leave_convolutions_to_eigen, use_one_blas_thread
from tests.xla import compile_fast

compile_fast(num_devices=4)
# As every command does; they import neither JAX nor numpy.
leave_convolutions_to_eigen()
use_one_blas_thread()
# Most of a test's time is compiling networks that another test, worker or process has compiled.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).resolve().parent.parent / ".pytest_cache" / "compiled")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_CHECKOUT = Path(__file__).resolve().parent.parent
# Minutes each, or much waiting: begun last, one of them would run on while other workers have nothing left.
_LONG = (
    "test_smoke",
    "train/test_several_processes",
    "train/test_population",
    "train/test_run",
    "train/test_interrupted",
    "benchmarks/test_benchmarks",
    "families/test_replicas",
    "sweep/test_sweep",
)


def pytest_configure(config: pytest.Config) -> None:
    """xdist hands files out as they come, not those of many tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    order = {str(_CHECKOUT / f"tests/{name}.py"): i for i, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(str(item.path), len(order)))


def pytest_collection_finish() -> None:
    """The collector walks all that was imported again and again while JAX traces: a twentieth of the suite's time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real scans from LESION_JAX_TEST_DATA; skips where there is none."""
    folder = Path(os.environ.get("LESION_JAX_TEST_DATA", _CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set LESION_JAX_TEST_DATA")
    return folder
