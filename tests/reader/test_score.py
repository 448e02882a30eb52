import json
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from lesion_jax.errors import DataError
from lesion_jax.reader.agreement import agreement
from lesion_jax.reader.answers import checksum_of, read_all_answers, read_answers
from lesion_jax.reader.figures import accuracy_figure, confusion_figure, fooled_figure
from lesion_jax.reader.score import fooled, score_readers
from lesion_jax.reader.text import describe
from tests.reader.conftest import make_key, record, write

# 6 real images, two of each class; 4 synthetic ones, none of class 2.
KEY = make_key([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2, 0, 0, 0, 1])
A = ([0, 0, 0, 0, 1, 1, 1, 0, 0, 0], [0, 0, 1, 2, 2, 2, 0, 0, 1, 1])
B = ([0, 0, 1, 0, 0, 0, 1, 1, 1, 0], [0, 1, 1, 2, 2, 2, 0, 0, 0, 1])


def readers(tmp_path, *said, partial=False, key=KEY):
    paths = [write(tmp_path / f"{i}.json", record(key, *one, reader="ABC"[i])) for i, one in enumerate(said)]
    return read_all_answers(paths, key, partial=partial)


def test_scores_by_hand(tmp_path):
    scores = score_readers(KEY, readers(tmp_path, A, B))
    assert scores["num_images"] == {"all": 10, "real": 6, "synthetic": 4}
    one = scores["readers"][0]
    # A: 4 of 6 real and 1 of 4 synthetic told; always "real" gets 6 of 10.
    total = one["source"]["total"]
    assert [total[name]["value"] for name in ("all", "real", "synthetic")] == [0.5, 4 / 6, 0.25]
    assert (total["all"]["majority"], total["real"]["majority"]) == (0.6, None)
    ci = stats.binomtest(5, 10).proportion_ci(method="wilson")
    assert (total["all"]["low"], total["all"]["high"], total["all"]["n"]) == (
        pytest.approx(ci.low),
        pytest.approx(ci.high),
        10,
    )
    assert one["source"]["confusion"]["all"] == [[4, 2], [3, 1]]
    assert [s["value"] for s in one["source"]["per_class"]["real"]] == [1, 1, 0]
    assert one["source"]["per_class"]["synthetic"][2] is None
    # Class: 5 of 6 real, 3 of 4 synthetic; the most frequent class is 5 of 10, 2 of 6 and 3 of 4.
    total = one["class"]["total"]
    assert [total[name]["value"] for name in ("all", "real", "synthetic")] == [0.8, 5 / 6, 0.75]
    assert [total[name]["majority"] for name in ("all", "real", "synthetic")] == [0.5, 2 / 6, 0.75]
    assert one["class"]["confusion"]["real"] == [[2, 0, 0], [0, 1, 1], [0, 0, 2]]
    assert one["class"]["confusion"]["synthetic"] == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    # From 1 to 10 seconds an image.
    assert one["seconds"] == 5.5
    # The source of images 0, 1, 3, 6, 9 and the class of all but 1 and 8 are told alike.
    assert scores["agreement"]["source"]["same"]["value"] == 0.5
    assert scores["agreement"]["class"]["same"]["value"] == 0.8
    assert scores["agreement"]["class"]["pairs"][0]["kappa"]["value"] == pytest.approx(cohen_kappa_score(A[1], B[1]))
    assert scores["agreement"]["class"]["fleiss"] is None


def test_the_paper_s_first_reader_is_not_shown_to_beat_always_answering_real(tmp_path):
    # 62.5 % of 302 (182 real): 189 right; always answering "real" gets 60.3 %.
    key = make_key([0] * 182 + [1] * 120, [0] * 302)
    said = [0] * 150 + [1] * 32 + [1] * 39 + [0] * 81
    text = describe(score_readers(key, readers(tmp_path, (said, [0] * 302), key=key)))
    assert "A       62.6 (57.0 to 67.9; 302)" in text and "60.3" in text
    assert "A (302 answered, 151.5 s each): not shown to tell real from synthetic better" in text
    better = readers(tmp_path, ([0] * 182 + [1] * 60 + [0] * 60, [0] * 302), key=key)
    assert ": tells real from synthetic better" in describe(score_readers(key, better))


def test_fleiss_kappa_of_the_textbook():
    # Fleiss' kappa of this table is 0.210 (Wikipedia, after Fleiss 1971): 10 subjects, 14 raters, 5 categories.
    table = ["0 0 0 0 14", "0 2 6 4 2", "0 0 3 5 6", "0 3 9 2 0", "2 2 8 1 1"]
    table += ["7 7 0 0 0", "3 2 6 3 0", "2 5 3 2 2", "6 5 2 1 0", "0 2 2 3 7"]
    counts = np.array([row.split() for row in table], int)
    said = np.stack([np.repeat(np.arange(5), row) for row in counts], axis=1)
    found = agreement(said, [str(i) for i in range(14)], 5)["fleiss"]
    assert found["value"] == pytest.approx(0.210, abs=5e-4)
    assert found["low"] < 0.21 < found["high"]


def test_kappa_is_that_of_scikit_learn_and_its_interval_covers():
    generator = np.random.default_rng(0)
    truth, covered = [], 0
    for _ in range(60):
        first = generator.integers(0, 3, 150)
        second = np.where(generator.random(150) < 0.5, first, generator.integers(0, 3, 150))
        kappa = agreement(np.stack([first, second]), ["a", "b"], 3)["pairs"][0]["kappa"]
        truth.append(cohen_kappa_score(first, second))
        assert kappa["value"] == pytest.approx(truth[-1])
        # Half of the answers are copies, and of the others a third is the same by chance: kappa is 0.5.
        covered += kappa["low"] < 0.5 < kappa["high"]
    assert covered >= 52


def test_kappa_of_one_answer_to_all_is_undefined_and_of_one_reader_nothing():
    assert agreement(np.zeros((2, 5), int), ["a", "b"], 2)["pairs"][0]["kappa"] is None
    assert agreement(np.zeros((1, 5), int), ["a"], 2) is None
    # All the same but once: some resamples leave that one out.
    said = np.array([[0] * 5, [0] * 4 + [1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert agreement(said, ["a", "b"], 2)["pairs"][0]["kappa"]["value"] == pytest.approx(0)


def test_half_a_session_is_told_and_scored_where_asked(tmp_path):
    half = ([0, 0, 0, None, None] + [None] * 5, [0, 0, 2, 1, None] + [None] * 5)
    with pytest.raises(DataError, match=r"reader A answered 3 of 10 images, 7 are missing; .* --partial"):
        readers(tmp_path, half)
    scores = score_readers(KEY, readers(tmp_path, half, B, partial=True))
    one = scores["readers"][0]
    assert one["num_answered"] == 3 and one["source"]["total"]["synthetic"] is None
    assert one["class"]["total"]["all"] == {**one["class"]["total"]["real"]}
    assert one["class"]["total"]["all"]["value"] == pytest.approx(2 / 3)
    # Of the three, B calls the last one synthetic.
    assert scores["agreement"]["source"]["same"] | {"low": 0, "high": 0} == {
        "value": 2 / 3,
        "low": 0,
        "high": 0,
        "n": 3,
    }
    assert "answered images of one source only" in describe(scores)
    with pytest.raises(DataError, match="answered none of 10"):
        readers(tmp_path, ([None] * 10, [None] * 10), partial=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held["answers"][0].update(source="synthetic"), "was edited"),
        (lambda held: held.update(reader="Z"), "was edited"),
        (lambda held: held.update(page="cd" * 32), "answers page cdcdcdcd, but the key is that of page abababab"),
        (lambda held: held.update(format="2"), "no file of answers"),
        (lambda held: held.pop("checksum"), "no file of answers"),
    ],
)
def test_answers_that_are_not_what_the_page_saved(tmp_path, change, message):
    held = record(KEY, *A)
    change(held)
    with pytest.raises(DataError, match=message):
        read_answers(write(tmp_path / "a.json", held), KEY, partial=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held["answers"][0].update(label=3),
        lambda held: held["answers"][0].update(label=True),
        lambda held: held["answers"][0].update(source="maybe"),
        lambda held: held["answers"][0].update(ms=-1),
        lambda held: held["answers"][0].update(visits=0),
        lambda held: held["answers"].pop(),
        lambda held: held.update(order=[0] * 10),
    ],
)
def test_a_forger_who_mends_the_checksum_must_still_make_sense(tmp_path, change):
    held = record(KEY, *A)
    held.pop("checksum")
    change(held)
    path = write(tmp_path / "a.json", {**held, "checksum": checksum_of(held)})
    with pytest.raises(DataError, match="cannot have saved"):
        read_answers(path, KEY, partial=True)


def test_a_file_that_is_cut_short_or_absent(tmp_path):
    path = write(tmp_path / "a.json", record(KEY, *A))
    path.write_text(path.read_text()[:300])
    with pytest.raises(DataError, match="no file of answers"):
        read_answers(path, KEY, partial=True)
    with pytest.raises(DataError, match="cannot be read"):
        read_answers(tmp_path / "answers*.json", KEY, partial=True)


def test_one_reader_is_not_counted_twice(tmp_path):
    first, second = (write(tmp_path / f"{i}.json", record(KEY, *A)) for i in range(2))
    with pytest.raises(DataError, match="one session of reader A"):
        read_all_answers([first, second], KEY, partial=False)
    write(second, record(KEY, *A, session="another"))
    with pytest.raises(DataError, match="two sessions of reader A"):
        read_all_answers([first, second], KEY, partial=False)


def test_the_images_that_fooled_most_come_first(tmp_path):
    found = fooled(KEY, readers(tmp_path, A, B))
    assert found["synthetic"] == [(9, 2, 2), (7, 1, 2), (8, 1, 2)]
    assert found["real"] == [(2, 1, 2), (4, 1, 2), (5, 1, 2)]


def test_pictures_of_odd_names_and_of_nothing_fooled(tmp_path):
    key = make_key([0, 1], [0, 0], class_names=("$x$ {cyst} $",))
    some = readers(tmp_path, ([0, 1], [None, None]), key=key)
    scores = score_readers(key, some)
    assert scores["readers"][0]["class"] is None and "Which class" not in describe(scores)
    accuracy_figure(tmp_path / "accuracy.png", scores)
    confusion_figure(tmp_path / "confusion.png", scores)
    fooled_figure(tmp_path / "fooled.png", key, fooled(key, some))
    assert all((tmp_path / f"{name}.png").stat().st_size > 1000 for name in ("accuracy", "confusion", "fooled"))
    json.dumps(scores, allow_nan=False)
