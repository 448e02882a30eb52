from lesion_jax.metrics.collapse import DISCRIMINATOR_LOSS, describe_collapse

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
