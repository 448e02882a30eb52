import pytest

from lesion_jax.paper.arms import ARMS, BASELINE, PAPER_ARMS, Arm

LOOK = {"name": "new", "title": "New", "color": "#E69F00", "marker": "P"}


def test_arms_can_be_told_apart_in_figures():
    assert len({(arm.color, arm.marker) for arm in ARMS.values()}) == len(ARMS)
    for look in ("color", "marker"):
        assert len({getattr(ARMS[name], look) for name in PAPER_ARMS}) == len(PAPER_ARMS)
    assert all(arm.name == name for name, arm in ARMS.items())
    assert "classic_size" in ARMS[BASELINE].chosen and ARMS[BASELINE].generator is None


def test_every_generator_can_be_used_in_every_way():
    generators = {arm.generator for arm in ARMS.values()} - {None}
    for generator in generators:
        uses = [arm for arm in ARMS.values() if arm.generator == generator]
        assert {arm.name.removeprefix(generator) for arm in uses} == {"", "_first", "_annealed", "_genmix", "_selected"}
        assert len({arm.color for arm in uses}) == 1
    assert ARMS["recombine_first"].title == "Recombined lesions first"
    assert ARMS["inpaint_genmix"].mixing["mixing"] == "genmix"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"changes": {"data.classic_size": 0}}, "chooses classic_size"),
        ({"chosen": ("width",)}, "chooses 'width'"),
        ({"generator": "dcgan"}, "neither chosen nor set"),
        ({"chosen": ("classic_size", "synthetic_size")}, "give both or neither"),
        # A fold of its own would be tested on patients that it was trained on.
        ({"changes": {"data.fold": 1}}, "changes data.fold"),
        ({"changes": {"data.hold_out_inner": False}}, "changes data.hold_out_inner"),
        ({"changes": {"data.banks": ("x",)}}, "changes data.banks"),
        ({"changes": {"seed": 1}}, "changes seed"),
        ({"changes": {"data.synthetic_share": 0.5}}, "changes data.synthetic_share"),
        ({"mixing": {"data.synthetic_share": 0.5}}, "has no generator"),
        ({"selects": True}, "has no generator"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(row, message):
    with pytest.raises(ValueError, match=message):
        Arm(**LOOK, **row)


def test_how_images_are_mixed_in_leaves_the_training_without_them_alone():
    changes = {"learning_rate": 0.1, "data.synthetic_size": 10}
    arm = Arm(**LOOK, generator="dcgan", changes=changes, mixing={"data.synthetic_share": 0.5})
    assert arm.own_changes == {"learning_rate": 0.1}
    assert arm.fixed_synthetic_size == 10 and arm.fixed_classic_size is None
    assert arm.models == ("classifier", "dcgan")
