"""Figures: what is drawn, where, and that nothing is lost beyond the axes."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.report.accuracy_figure import accuracy_figure
from lesion_jax.paper.report.arms_figure import arms_figure
from lesion_jax.paper.report.confusion_figure import confusion_figure
from lesion_jax.paper.report.embedding_figure import embedding_figure
from lesion_jax.paper.report.samples_figure import samples_figure

PAPER = {
    "classic_curve": [
        {"arm": "classic", "total": 0, "accuracy": 0.57},
        {"arm": "classic", "total": 5000, "accuracy": 0.79},
    ],
    "synthetic_curve": [
        {"arm": "dcgan", "total": 5000, "accuracy": 0.79},
        {"arm": "dcgan", "total": 8000, "accuracy": 0.86},
    ],
    "arms": [{"name": "classic", "metrics": {"accuracy": {"total": {"value": 0.79, "low": 0.72, "high": 0.84}}}}],
}


def point(total, accuracy, arm="classic"):
    return {
        "arm": arm,
        "size": total,
        "total": total,
        "accuracy": accuracy,
        "low": accuracy - 0.07,
        "high": accuracy + 0.05,
    }


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they were when they were saved."""
    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])
    return kept


def side(path):
    with Image.open(path) as image:
        return image.size


def test_accuracy_figure_shows_every_interval_and_the_paper_only_as_far_as_ours(tmp_path, drawn):
    classic = [point(0, 0.5), point(500, 0.7), point(5000, 0.75)]
    synthetic = [point(5300, 0.8, arm="dcgan"), point(6500, 0.93, arm="dcgan"), point(6500, 0.4, arm="acgan")]
    accuracy_figure(tmp_path / "a.png", classic, synthetic, PAPER)
    axes = drawn[0].axes[0]
    low, high = axes.get_ylim()
    assert low < 0.33
    assert high > 0.98
    assert axes.get_xlim()[0] < 0 < 6500 < axes.get_xlim()[1]
    (legend,) = drawn[0].legends
    labels = [text.get_text() for text in legend.get_texts()]
    # Nothing of it is cut off.
    extent, canvas = legend.get_window_extent(), drawn[0].bbox
    assert 0 <= extent.x0 < extent.x1 <= canvas.width and 0 <= extent.y0 < extent.y1 <= canvas.height
    assert {"Classic", "Classic + DCGAN", "Classic + ACGAN"} < set(labels)
    assert sum("another data set" in label for label in labels) == 2
    curves = {line.get_label(): line.get_xdata() for line in axes.lines}
    assert list(curves["Paper: Classic + DCGAN (another data set)"]) == [5000]
    assert side(tmp_path / "a.png") == (1080, 690)


def test_accuracy_figure_of_a_tiny_run_and_of_no_synthetic_images(tmp_path, drawn):
    accuracy_figure(tmp_path / "a.png", [point(0, 0.4)], [], None)
    assert drawn[0].axes[0].get_xlim()[0] < 0
    accuracy_figure(tmp_path / "a.png", [point(0, 0.4), point(60, 0.5)], [point(90, 0.5, arm="dcgan")], PAPER)
    assert all(tick <= 90 for tick in drawn[1].axes[0].get_xticks())


def test_colours_follow_the_arm(tmp_path, drawn):
    synthetic = [point(90, 0.5, arm="acgan"), point(90, 0.6, arm="dcgan")]
    accuracy_figure(tmp_path / "a.png", [point(0, 0.4)], synthetic, None)
    arms = [
        {"name": name, "title": name, "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}, "per_seed_accuracy": [0.5]}
        for name in ("classic", "dcgan")
    ]
    arms_figure(tmp_path / "b.png", arms, PAPER)
    lines = drawn[0].axes[0].lines
    assert {ARMS[arm].color for arm in ("classic", "dcgan", "acgan")} == {line.get_color() for line in lines}
    bars = [line for line in drawn[1].axes[0].lines if list(line.get_xdata()) == [0.4, 0.6]]
    assert [bar.get_color() for bar in bars] == [ARMS["classic"].color, ARMS["dcgan"].color]


def test_an_arm_that_nobody_has_heard_of_has_its_own_look_everywhere(tmp_path, drawn, monkeypatch):
    monkeypatch.setitem(ARMS, "new", Arm("new", "New arm", "#E69F00", "P"))
    accuracy_figure(tmp_path / "a.png", [point(0, 0.4), point(0, 0.5, arm="new")], [], PAPER)
    assert "New arm" in [text.get_text() for text in drawn[0].legends[0].get_texts()]
    arm = {"name": "new", "title": "New arm", "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}
    arms_figure(tmp_path / "b.png", [{**arm, "per_seed_accuracy": [0.5]}], PAPER)
    for figure in drawn:
        assert ("#E69F00", "P") in {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}


def test_confusion_figure_writes_means_over_seeds_and_row_shares(tmp_path, drawn):
    arm = {"title": "Classic", "confusion": [[7, 1], [0, 4]], "per_seed_accuracy": [1.0, 0.9]}
    confusion_figure(tmp_path / "c.png", [arm, arm, arm, arm], ["cyst", "metastasis"])
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts == ["3.5\n88 %", "0.5\n12 %", "0\n0 %", "2\n100 %"]
    assert len(drawn[0].axes) == 4


def test_samples_figure_leaves_a_missing_class_empty(tmp_path, drawn):
    real = {name: np.zeros((20, 16, 16), np.int16) for name in ("cyst", "metastasis")}
    blocks = [("Real", real), ("DCGAN", {"cyst": np.ones((3, 16, 16), np.int16)})]
    samples_figure(tmp_path / "s.png", blocks, ["cyst", "metastasis"], (-160, 240))
    assert [len(axes.images) for axes in drawn[0].axes] == [1, 1, 1, 0]
    assert drawn[0].axes[0].images[0].get_array().shape == (34, 70)


def test_embedding_figure_marks_every_lesion_once(tmp_path, drawn):
    points, labels = np.random.default_rng(0).standard_normal((9, 2)), np.repeat([0, 1, 2], [2, 3, 4])
    embedding_figure(tmp_path / "t.png", [("Classic", points, labels)], ["a", "b", "c"])
    assert [len(dots.get_offsets()) for dots in drawn[0].axes[0].collections] == [2, 3, 4]


def test_same_bytes_twice_and_no_setting_of_the_caller_is_changed(tmp_path):
    before = dict(matplotlib.rcParams)
    for name in ("a.png", "b.png"):
        accuracy_figure(tmp_path / name, [point(0, 0.4)], [], PAPER)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert dict(matplotlib.rcParams) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
