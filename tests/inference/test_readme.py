"""README's example runs as it is pasted, and says what `evaluate` says."""

import re
from pathlib import Path

import numpy as np
import pytest

import lesion_jax
from lesion_jax.inference.sample import draw_bank

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_the_example_of_the_readme_runs_as_pasted(runs, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw_bank(runs["acgan"], 2, tmp_path / "bank")
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    places = {"RUN": runs["averaged"], "GAN": runs["acgan"], "BANK": "bank", "DATASET": dataset}
    for name, path in places.items():
        assert f'"{name}"' in example
        # The first call only: the comment beside it says what else it takes.
        example = re.sub(rf'(?<=[(=])"{name}"', repr(str(path)), example)
    found = {}
    exec(example, found)
    own = found["classifier"].lesions("test", dataset)
    np.testing.assert_array_equal(found["lesions"].pixels, own.pixels)
    assert (found["lesions"].ids, found["lesions"].patients) == (own.ids, own.patients) and len(own) == 24
    said = lesion_jax.score_run(runs["averaged"], dataset=dataset)["predictions"]
    assert found["scores"]["metrics"] == said["metrics"] and found["scores"]["confusion"] == said["confusion"]
    assert found["images"].shape == own.pixels.shape and found["synthetic"].pixels.shape == (6, 32, 32)

    # The call that stands beside a bank draws its images again.
    call = (tmp_path / "bank" / "README.md").read_text().rpartition("    ")[2]
    for label in range(3):
        again = eval(call, {"restore_generator": lesion_jax.restore_generator, "np": np, "k": 1, "label": label})
        np.testing.assert_array_equal(again, found["synthetic"].pixels[2 * label + 1])


def test_the_index_of_public_names_is_whole_and_each_says_what_it_gives():
    public = {*lesion_jax.__all__} - {"__version__"}
    listed = re.findall(r"^(\w+)  +\S", lesion_jax.__doc__, flags=re.MULTILINE)
    assert sorted(listed) == sorted(public)
    for name in public:
        assert len((getattr(lesion_jax, name).__doc__ or "").splitlines()) > 1 or name == "LesionJaxError"
    assert "float32 [N, C]" in lesion_jax.restore_classifier.__doc__
    assert (Path(lesion_jax.__file__).parent / "py.typed").exists()


def test_parts_and_folds_of_a_dataset(dataset, cohort):
    def ids(**words):
        return lesion_jax.load_lesions(dataset, image_size=16, margin=0.1, **words).ids

    parts = [set(ids(fold=1, part=part)) for part in ("train", "inner", "test")]
    assert set.union(*parts) == {*ids(part="all")} and sum(map(len, parts)) == len(cohort.lesions.lesions)
    by_id = {lesion.lesion_id: lesion.patient for lesion in cohort.lesions.lesions}
    patients = [{by_id[name] for name in part} for part in parts]
    assert not patients[0] & patients[2] and not patients[0] & patients[1] and not patients[1] & patients[2]
    for words, message in (
        ({"fold": 3}, "fold is 3"),
        ({"part": "tests"}, "part is 'tests'; choose one of 'train', 'inner', 'test'"),
        ({"margin": 0.6}, "margin is 0.6"),
        ({"hold_out_inner": False, "part": "inner"}, "has no such lesions"),
    ):
        with pytest.raises(lesion_jax.LesionJaxError, match=message):
            lesion_jax.load_lesions(dataset, **words)
