"""The house is open: families, an arm, a source and metrics that only this file knows go through every public verb.

Each is a row that the test adds to its table. If a change to the package makes one of them need an edit elsewhere, this
test fails: nothing outside of a row may name an entry or take one for granted. All of it stands in this one file,
which is what it shows, and makes it longer than others.
"""

import dataclasses
import json
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.state import TrainState
from lesion_jax.data.augment import original
from lesion_jax.data.bank import load_bank
from lesion_jax.data.origins import Origins
from lesion_jax.families import FAMILIES
from lesion_jax.families.base import Family, Program, hyper_of
from lesion_jax.families.context import seeds_of
from lesion_jax.io.export import load_export
from lesion_jax.metrics.estimates import mean_of
from lesion_jax.metrics.images import GENERATOR_METRICS, GeneratorMetric
from lesion_jax.metrics.predictions import PREDICTION_METRICS, PredictionMetric
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.sources.base import RawLesion, Slice, Source
from lesion_jax.sources.table import SOURCES

pytestmark = pytest.mark.slow

CLASSES = ("round", "square")


# A generator: it learns the mean of each class, and draws that mean beside a real image and some noise.
@dataclasses.dataclass(frozen=True)
class BlendConfig(TrainingConfig):
    kind: Literal["blend"] = compiled("blend", doc="Always 'blend'.")
    rate: float = traced(0.2, above=0.0, high=1.0, doc="Share of the mean that a step replaces.")


@dataclasses.dataclass(frozen=True)
class BlendProgram(Program):
    image_size: int
    num_classes: int

    def make_step(self, average):
        def step(state, batch, key):
            is_class = jax.nn.one_hot(batch["label"], self.num_classes)
            seen = jnp.einsum("bc,bij->cij", is_class, batch["pixels"].astype(jnp.float32))
            mean = seen / jnp.maximum(is_class.sum(0), 1)[:, None, None]
            old = state.ema["means"]
            mean, loss = average((mean, jnp.mean(jnp.square(mean - old))))
            new = old + state.hyper["rate"] * (mean - old)
            return state.replace(step=state.step + 1, ema={"means": new}), {"loss/mean": loss}

        return step


def init_blend(config, program, images):
    size = program.image_size
    means = jnp.zeros((program.num_classes, size, size))
    return TrainState(jnp.int32(0), networks={}, ema={"means": means}, hyper=hyper_of(config), health={})


def draw_blend(config, num_classes, arrays, keys, labels, context):
    """Image i from its own key alone: a real image of the training patients, half faded into the mean."""
    means, data = np.asarray(arrays["ema"]["means"]), np.asarray(jax.random.key_data(keys))
    chosen = [original(lesion, context.image_size, context.margin) for lesion in choose_blend(keys, context)]
    noise = (data[:, :1] % 7).astype(np.float32)[..., None]
    return np.rint(0.5 * means[labels] + 0.5 * np.stack(chosen) + noise).astype(np.int16)


def choose_blend(keys, context):
    return [context.lesions[seed % len(context.lesions)] for seed in seeds_of(keys)]


def origins_of_blend(config, num_classes, arrays, keys, labels, context):
    chosen = choose_blend(keys, context)
    return Origins.of([[lesion] for lesion in chosen], chosen)


def describe_blend(config, class_names, unit, arrays):
    side, means = config.data.image_size, np.asarray(arrays["ema"]["means"], np.float32)
    # Of no latents at all, and a label: its mean.
    inputs = [{"name": "z", "dtype": "float32", "shape": ["N", 0]}, {"name": "label", "dtype": "int32", "shape": ["N"]}]
    layers = [{"op": "embedding_concat", "tensors": {"table": "blend.means"}}]
    outputs = {"mean": [{"op": "reshape", "shape": [side, side]}]}
    network = {"weights": "the means", "inputs": inputs, "prepare": [], "layers": layers, "outputs": outputs}
    return {"blend": network}, {"blend.means": means.reshape(len(means), -1)}


BLEND = Family(
    name="blend",
    title="Blend",
    stream="blend",
    config=BlendConfig,
    make_program=lambda config, num_classes: BlendProgram(config.data.image_size, num_classes),
    init_state=init_blend,
    draw=draw_blend,
    origins=origins_of_blend,
    describe=describe_blend,
)


# A classifier without gradient steps: the nearest mean.
@dataclasses.dataclass(frozen=True)
class NearestConfig(TrainingConfig):
    kind: Literal["nearest"] = compiled("nearest", doc="Always 'nearest'.")
    sharpness: float = compiled(1.0, above=0.0, doc="Of the answers.")


def fit_nearest(config, images):
    pixels, labels = images.images.pixels.astype(np.float32), images.images.labels
    return {"means": np.stack([pixels[labels == label].mean(0) for label in range(len(images.class_names))])}


def classify_nearest(config, num_classes, arrays, pixels):
    away = np.abs(pixels[:, None].astype(np.float32) - arrays["means"][None]).mean((2, 3))
    scores = np.exp(-config.sharpness * (away - away.min(1, keepdims=True)) / 10)
    return (scores / scores.sum(1, keepdims=True)).astype(np.float32), away.astype(np.float32)


NEAREST = Family(
    name="nearest",
    title="Nearest mean",
    stream="nearest",
    config=NearestConfig,
    fit=fit_nearest,
    classify=classify_nearest,
)

ARM = Arm(
    "nearest_blend",
    "Nearest mean + Blend",
    "#009E73",
    "P",
    predictor="nearest",
    generator="blend",
    changes={"sharpness": 2.0},
    chosen=("synthetic_size",),
)


def read_drawings(folder, marks, progress):
    """One lesion in the middle of each PATIENT-CLASS.npy."""
    for path in sorted(folder.glob("*.npy")):
        patient, label = path.stem.split("-")
        image = Slice(np.load(path), (1.0, 1.0), patient, "grey")
        yield RawLesion(str(path), path, path.name, image, 40.0, 40.0, 20.0, label=label)


def score_brightness(fake, real):
    return {"value": float(abs(fake.pixels.mean() - real.pixels.mean()))}


def score_doubt(labels, probabilities):
    return mean_of(1 - probabilities.max(-1))


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES, "blend", BLEND)
        patch.setitem(FAMILIES, "nearest", NEAREST)
        patch.setitem(ARMS, "nearest_blend", ARM)
        patch.setitem(SOURCES, "drawings", Source("drawings", "Drawings", (), read_drawings))
        metric = GeneratorMetric("brightness", "Brightness gap", "lower", score_brightness)
        patch.setitem(GENERATOR_METRICS, "brightness", metric)
        patch.setitem(PREDICTION_METRICS, "doubt", PredictionMetric("doubt", "Mean doubt", score_doubt))
        # What the commands would let JAX do for the rest of this process.
        patch.setattr("lesion_jax.runtime.compile_cache.keep_compiled", lambda directory: None)
        yield


@pytest.fixture(scope="module")
def dataset(rows, tmp_path_factory):
    root = tmp_path_factory.mktemp("open")
    (root / "files").mkdir()
    away = np.hypot(*(np.mgrid[:81, :81] - 40))
    for i in range(24):
        generator = np.random.default_rng(i)
        shape = away < 10 if i % 2 else np.abs(np.mgrid[:81, :81] - 40).max(0) < 10
        pixels = np.clip(60 + 120 * shape + generator.normal(0, 12, shape.shape), 0, 255).astype(np.int16)
        np.save(root / "files" / f"P{i:02}-{CLASSES[i % 2]}.npy", pixels)
    words = ["build", "--source=drawings", f"--input={root / 'files'}", f"--out={root / 'dataset'}"]
    assert main(words) == 0
    return root / "dataset"


@pytest.fixture(scope="module")
def config_file(rows, tmp_path_factory):
    """Writes a config file as a user would, with fields of a row's own config class."""

    def write(expression):
        path = tmp_path_factory.mktemp("configs") / "config.py"
        path.write_text(
            "from lesion_jax.config import DataConfig, LoopConfig, to_config_dict\n"
            "from lesion_jax.families import FAMILIES\n"
            "from lesion_jax.paper.config import PaperConfig\n"
            "from lesion_jax.study.config import ScenarioConfig, StudyConfig\n"
            "from lesion_jax.sweep.config import SweepConfig\n\n\n"
            "def get_config():\n"
            "    data = DataConfig(image_size=32, batch_size=8, classic_size=24)\n"
            "    small = DataConfig(image_size=32, batch_size=8)\n"
            "    loop = LoopConfig(duration='6 steps', evaluate_every='3 steps', checkpoint_every='3 steps')\n"
            f"    return to_config_dict({expression})\n"
        )
        return path

    return write


@pytest.fixture(scope="module")
def blend(dataset, config_file, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "blend"
    path = config_file("FAMILIES['blend'].config(data=data, loop=loop)")
    words = ["train", f"--config={path}", f"--config.data.dataset={dataset}", f"--workdir={run}"]
    assert main([*words, "--config.rate=0.5"]) == 0
    return run


def test_a_generator_is_trained_scored_and_shown(blend):
    records = [json.loads(line) for line in (blend / "metrics.jsonl").read_text().splitlines()]
    scored = [record for record in records if "inner/brightness/value" in record]
    assert [record["step"] for record in scored] == [3, 6]
    assert all("inner/kernel_distance/value" in record and "inner/variety/round" in record for record in scored)
    assert list((blend / "samples").glob("*.png"))
    # Grey pixels and the dataset's own window.
    config, facts = (json.loads((blend / f"{name}.json").read_text()) for name in ("config", "provenance"))
    assert config["data"]["window"] == [0.0, 255.0] and facts["unit"] == "grey" and config["rate"] == 0.5


def test_a_bad_field_of_a_new_family_is_refused_by_its_own_range(dataset, config_file, tmp_path, capsys):
    path = config_file("FAMILIES['blend'].config(data=data, loop=loop)")
    words = ["train", f"--config={path}", f"--config.data.dataset={dataset}", f"--workdir={tmp_path / 'x'}"]
    assert main([*words, "--config.rate=1.5"]) == 2
    assert "rate is 1.5; it must lie in (0.0, 1.0]" in capsys.readouterr().err
    assert main(["train", "--help"]) == 0
    assert "Share of the mean that a step replaces." in capsys.readouterr().out


def test_it_draws_banks_is_evaluated_and_exported(blend, tmp_path, capsys):
    assert main(["sample", f"--workdir={blend}", "--num=5", f"--out={tmp_path / 'bank'}"]) == 0
    bank = load_bank(tmp_path / "bank")
    assert len(bank.images) == 10 and bank.provenance["kind"] == "blend" and bank.provenance["unit"] == "grey"
    assert bank.origins is not None and len(bank.origins) == 10
    capsys.readouterr()
    assert main(["evaluate", f"--workdir={blend}", "--part=inner"]) == 0
    told = capsys.readouterr().out
    assert "Brightness gap" in told and "Kernel distance" in told and "Mean doubt" not in told
    assert main(["export", f"--workdir={blend}", f"--out={tmp_path / 'export'}"]) == 0
    assert load_export(tmp_path / "export")[0]["kind"] == "blend"
    assert main(["show", f"--workdir={blend}"]) == 0


def test_a_classifier_without_steps_is_trained_evaluated_and_not_exported(dataset, config_file, tmp_path, capsys):
    path, run = config_file("FAMILIES['nearest'].config(data=data, loop=loop)"), tmp_path / "nearest"
    words = ["train", f"--config={path}", f"--config.data.dataset={dataset}", f"--workdir={run}"]
    assert main(words) == 0 and main(words) == 0
    assert "trained" in (told := capsys.readouterr().out) and "was finished" in told
    assert main(["evaluate", f"--workdir={run}", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    # Circles and squares of one brightness: means tell them apart.
    assert result["predictions"]["metrics"]["accuracy"]["total"]["value"] > 0.8
    assert 0 <= result["predictions"]["metrics"]["doubt"]["total"]["value"] < 0.5
    assert main(["sample", f"--workdir={run}", "--num=5", f"--out={tmp_path / 'bank'}"]) == 2
    assert "draws nothing" in capsys.readouterr().err or not (tmp_path / "bank").exists()
    assert main(["export", f"--workdir={run}", f"--out={tmp_path / 'export'}"]) == 2


@pytest.mark.parametrize("kind", ["blend", "nearest"])
def test_sweep_and_plan_take_it(kind, dataset, config_file, tmp_path, capsys):
    base = f"FAMILIES['{kind}'].config(data=data, loop=loop)"
    path = config_file(f"SweepConfig(base={base}, grid=(('data.fold', (0, 1)),))")
    words = [f"--config={path}", f"--config.base.data.dataset={dataset}"]
    assert main(["plan", *words]) == 0
    assert "1 programs of 1 devices, 2 trainings" in capsys.readouterr().out
    assert main(["sweep", *words, f"--workdir={tmp_path / 'sweep'}"]) == 0
    assert main(["sweep", f"--workdir={tmp_path / 'sweep'}", "--status", "--collect"]) == 0
    assert "2 cells, 2 done" in capsys.readouterr().out


MODELS = (
    "models={'classifier': FAMILIES['classifier'].config(width=2, data=small, loop=loop),"
    "'nearest': FAMILIES['nearest'].config(data=small, loop=loop),"
    "'blend': FAMILIES['blend'].config(data=small, loop=loop)}"
)


@pytest.fixture
def few_metrics(monkeypatch):
    """Without metrics that take seconds and that other tests look at."""
    for name in [name for name, metric in GENERATOR_METRICS.items() if metric.for_reports]:
        monkeypatch.delitem(GENERATOR_METRICS, name)


@pytest.mark.usefixtures("few_metrics")
def test_the_paper_compares_a_new_arm(dataset, config_file, tmp_path, capsys):
    path = config_file(
        f"PaperConfig(arms=('classic', 'nearest_blend'), classic_sizes=(0, 24), synthetic_sizes=(4,), {MODELS})"
    )
    words = [f"--config={path}", f"--config.dataset={dataset}"]
    assert main(["plan", *words]) == 0
    assert main(["paper", *words, f"--workdir={tmp_path / 'paper'}"]) == 0
    results = json.loads((tmp_path / "paper" / "report" / "results.json").read_text())
    (arm,) = [arm for arm in results["arms"] if arm["name"] == "nearest_blend"]
    assert arm["n"] == 24 and arm["metrics"]["accuracy"]["total"]["value"] > 0.8 and "doubt" in arm["metrics"]
    report = (tmp_path / "paper" / "report" / "report.md").read_text()
    for text in ("Mean doubt", "Brightness gap"):
        assert text in report
    # In the arms' table, that of its images, the curve's and that of what was chosen; in the metrics' it is a column.
    assert report.count("\n| Nearest mean + Blend |") >= 4 and "| Metric | Classic | Nearest mean + Blend |" in report
    assert [(point["arm"], point["size"]) for point in results["synthetic_curve"]] == [("nearest_blend", 4)]
    # The first sentence is about the arm with a generator, and an X-ray has no Hounsfield units.
    assert (
        ": Nearest mean + Blend raised accuracy (" in results["answer"]
        and results["answer"] in report
        and "HU" not in report
    )


@pytest.mark.usefixtures("few_metrics")
def test_a_study_compares_a_new_arm_by_a_new_metric(dataset, config_file, tmp_path, capsys):
    path = config_file(
        "StudyConfig(arms=('classic', 'nearest_blend'), metric='doubt', margin=0.4, "
        f"scenarios={{'few': ScenarioConfig(per_class=(6,), classic_size=12, synthetic_size=4)}}, {MODELS})"
    )
    words = [f"--config={path}", f"--config.dataset={dataset}"]
    assert main(["plan", *words]) == 0
    assert "Which differences of doubt can be shown is not known" in capsys.readouterr().out
    assert main(["study", *words, f"--workdir={tmp_path / 'study'}"]) == 0
    results = json.loads((tmp_path / "study" / "report" / "results.json").read_text())
    (scenario,) = results["scenarios"]
    (comparison,) = scenario["comparisons"]
    assert comparison["arm"] == "nearest_blend" and comparison["difference"]["metric"] == "doubt"
    assert [bank["model"] for bank in results["banks"]] == 3 * ["blend"]
    assert all("brightness" in bank["metrics"] for bank in results["banks"])
    report = (tmp_path / "study" / "report" / "report.md").read_text()
    for text in ("Mean doubt", "Brightness gap", "Nearest mean + Blend"):
        assert text in report
    assert "Nearest mean + Blend" in results["answer"]
