import pytest

from lesion_jax.core.periods import to_steps
from lesion_jax.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("300 steps", 300),
        ("1 step", 1),
        ("150 epochs", 150 * 159),
        ("0.5 epochs", 80),
        ("10%", 2385),
        ("0 steps", 0),
        ("0.0001%", 1),
    ],
)
def test_means_that_many_steps(text, steps):
    assert to_steps(text, field="f", steps_per_epoch=159, total_steps=23850) == steps


@pytest.mark.parametrize("text", ["", "ten steps", "-3 steps", "1.5 steps", "10", "3 weeks"])
def test_what_is_no_duration_is_refused_by_name(text):
    with pytest.raises(ConfigError, match="loop.log_every"):
        to_steps(text, field="loop.log_every", steps_per_epoch=2, total_steps=10)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="share"):
        to_steps("10%", field="loop.duration", steps_per_epoch=2)
