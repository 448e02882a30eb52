import pytest

from lesion_jax.metrics.collapse import DISCRIMINATOR_LOSS, alike_classes, describe_collapse
from lesion_jax.metrics.images import GENERATOR_METRICS, GeneratorMetric

NAMES = ("cyst", "metastasis")


def scored(*varieties):
    return {"metrics": {"variety": {"value": 0.0, "per_class": dict(enumerate(varieties))}}}


def test_a_collapse_is_named():
    assert describe_collapse(1000, scored(0.8, 0.5), NAMES, {DISCRIMINATOR_LOSS: 1.2}) is None
    assert "images of cyst have 0.05 of the variety" in describe_collapse(
        1000, scored(0.05, 0.5), NAMES, {DISCRIMINATOR_LOSS: 1.2}
    )
    both = describe_collapse(1000, scored(0.8, 0.05), NAMES, {DISCRIMINATOR_LOSS: 0.001})
    assert "metastasis" in both and "discriminator's loss is at zero (0.0010)" in both
    assert both.startswith("Step 1000:")


def test_what_is_not_known_is_not_held_against_a_generator():
    assert describe_collapse(1000, scored(0.8, 0.5), NAMES, {}) is None
    assert "cyst" in describe_collapse(1000, scored(0.05), NAMES, {})
    for unknown in ({"metrics": {"variety": None}}, {"metrics": {}}):
        assert describe_collapse(1000, unknown, NAMES, {DISCRIMINATOR_LOSS: 1.2}) is None
        assert "at zero" in describe_collapse(1000, unknown, NAMES, {DISCRIMINATOR_LOSS: 0.0})


def test_a_metric_of_a_row_of_its_own_tells_a_collapse(monkeypatch):
    row = GeneratorMetric(
        "shapes", "Shapes", "higher", lambda fake, real: None, collapsed_below=0.5, told_as="the shapes"
    )
    monkeypatch.setitem(GENERATOR_METRICS, "shapes", row)
    both = {"metrics": {"shapes": {"value": 0.0, "per_class": {0: 0.49, 1: 0.5}}, **scored(0.8, 0.05)["metrics"]}}
    assert describe_collapse(1000, both, NAMES, {}) == (
        "Step 1000: the generator has collapsed: its images of metastasis have 0.05 of the variety of real ones and "
        "its images of cyst have 0.49 of the shapes of real ones."
    )


@pytest.mark.parametrize("name", list(GENERATOR_METRICS))
def test_only_the_rows_with_a_limit_tell_one(name):
    row = GENERATOR_METRICS[name]
    found = alike_classes({name: {"value": 0.0, "per_class": {0: -1.0}}})
    assert found == ([] if row.collapsed_below is None else [(row.told_as, {0: -1.0})])
    assert (row.collapsed_below is None) == (row.told_as == "")
