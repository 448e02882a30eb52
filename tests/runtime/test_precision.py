"""What "auto" computes in on which device, and what does not depend on it."""

from types import SimpleNamespace

import jax
import pytest

from lesion_jax.config import replace
from lesion_jax.data.training_images import resolve_window
from lesion_jax.runtime.precision import known_dtype
from lesion_jax.train.memory import training_bytes
from lesion_jax.train.training import settle
from tests.train.tiny import cohort, configs

H100 = SimpleNamespace(platform="gpu", compute_capability="9.0")


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (SimpleNamespace(platform="cpu"), "float32"),
        (SimpleNamespace(platform="tpu"), "bfloat16"),
        (H100, "bfloat16"),
        (SimpleNamespace(platform="gpu", compute_capability="gfx90a"), "bfloat16"),
        (SimpleNamespace(platform="gpu", compute_capability="7.5"), "float32"),
    ],
)
def test_auto_goes_by_the_device_and_a_named_type_does_not(device, expected, monkeypatch):
    monkeypatch.setattr(jax, "devices", lambda: [device])
    assert known_dtype("auto") == expected
    assert known_dtype("float32") == "float32" and known_dtype("bfloat16") == "bfloat16"


def test_a_run_keeps_the_type_and_a_sweep_counts_memory_alike_everywhere(monkeypatch):
    tiny = cohort()
    config = resolve_window(configs()["classifier"], tiny)
    assert config.dtype == "auto" and settle(config, tiny, 1)[0].dtype == "float32"
    here = training_bytes(config, 3)
    monkeypatch.setattr(jax, "devices", lambda: [H100])
    assert settle(config, tiny, 1)[0].dtype == "bfloat16"
    assert training_bytes(config, 3) == here > training_bytes(replace(config, {"dtype": "bfloat16"}), 3)
