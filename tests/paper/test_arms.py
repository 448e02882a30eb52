import pytest

from lesion_jax.paper.arms import ARMS, BASELINE, Arm

LOOK = {"name": "new", "title": "New", "color": "#E69F00", "marker": "P"}


def test_arms_can_be_told_apart_in_figures():
    assert len({arm.color for arm in ARMS.values()}) == len({arm.marker for arm in ARMS.values()}) == len(ARMS)
    assert all(arm.name == name for name, arm in ARMS.items())
    assert "classic_size" in ARMS[BASELINE].chosen and ARMS[BASELINE].generator is None


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
    ],
)
def test_a_row_that_contradicts_itself_is_refused(row, message):
    with pytest.raises(ValueError, match=message):
        Arm(**LOOK, **row)


def test_changes_of_mixing_leave_the_training_without_synthetic_images_alone():
    changes = {"learning_rate": 0.1, "data.synthetic_share": 0.5, "data.synthetic_size": 10}
    arm = Arm(**LOOK, generator="dcgan", changes=changes)
    assert arm.own_changes == {"learning_rate": 0.1}
    assert arm.mixing_changes == {"data.synthetic_share": 0.5}
    assert arm.fixed_synthetic_size == 10 and arm.fixed_classic_size is None
    assert arm.models == ("classifier", "dcgan")
