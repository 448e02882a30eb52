"""Nothing in the page but what is to be seen tells real from synthetic."""

import base64
import json
import struct
from html.parser import HTMLParser

import numpy as np
import pytest

from lesion_jax.data.bank import save_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import BankError, ConfigError, DataError, RunError
from lesion_jax.reader.choose import choose_images
from lesion_jax.reader.key import load_key
from lesion_jax.reader.page import decode
from lesion_jax.reader.write import ReaderConfig, write_study
from tests.reader.conftest import CLASSES, SIDE, facts, flat_images, write

CONFIG = ReaderConfig(num_real=3, num_synthetic=3, seed=1)


class _Scripts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.scripts, self.outside, self._attributes = {}, [], None

    def handle_starttag(self, tag, attrs):
        self._attributes = dict(attrs) if tag == "script" else None
        self.outside += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        self._attributes = None

    def handle_data(self, data):
        if self._attributes is not None:
            self.scripts[self._attributes.get("id")] = data


def parsed(page):
    """(content of the page, addresses that it names)."""
    parser = _Scripts()
    parser.feed(page)
    return json.loads(parser.scripts["content"]), parser.outside


def chunks(png):
    """[(name, length)] of a PNG, and its header."""
    found, at = [], 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        found.append((name, length))
        at += 12 + length
    return found, png[16:29]


def test_a_parser_sees_no_difference_of_real_and_synthetic(study, tmp_path):
    dataset, bank = study
    write_study(tmp_path / "out", dataset, [bank], CONFIG)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["key.json", "reader.html"]
    text = (tmp_path / "out" / "reader.html").read_text()
    content, outside = parsed(text)
    assert outside == [] and "http:" not in text and "https:" not in text
    assert set(content) == {"page", "class_names", "unit", "window", "side", "images"}
    assert content["class_names"] == list(CLASSES)
    # Real images are noise and synthetic ones flat: compressed, their lengths would differ manyfold.
    assert len({len(png) for png in content["images"]}) == 1
    forms = {str(chunks(base64.b64decode(png))) for png in content["images"]}
    assert len(forms) == 1 and "IHDR" in (form := forms.pop()) and form.count("(b'") == 3

    key = load_key(tmp_path / "out" / "key.json")
    held = json.loads((tmp_path / "out" / "key.json").read_text())
    for secret in ("lesion0", "patient", str(bank), held["dataset_fingerprint"], held["digest"]):
        assert secret not in text
    assert key.page == content["page"]
    flat = np.array([decode(png).std() < 1e-6 for png in content["images"]])
    np.testing.assert_array_equal(flat, key.source == 1)
    np.testing.assert_array_equal(np.bincount(2 * key.labels + key.source), [3, 3, 3, 3])
    assert {len(origin) for origin in key.origins} == {2}


def test_the_order_is_shuffled_by_a_seed_that_nobody_knows(study, tmp_path):
    dataset, bank = study
    cohort = Cohort.load(dataset)
    some = [choose_images(cohort, [bank], num_real=2, num_synthetic=2, part="test", seed=s) for s in range(60)]
    again = choose_images(cohort, [bank], num_real=2, num_synthetic=2, part="test", seed=59)
    np.testing.assert_array_equal(some[-1].images.pixels, again.images.pixels)
    assert some[-1].origins == again.origins
    # 60 studies: the mean place of the 240 synthetic images is 3.5 with a standard error below 0.15.
    places = np.concatenate([np.flatnonzero(one.is_synthetic) for one in some])
    assert abs(places.mean() - 3.5) < 0.6
    assert len({tuple(one.is_synthetic) for one in some}) > 20
    for name in ("a", "b"):
        write_study(tmp_path / name, dataset, [bank], ReaderConfig(num_real=2, num_synthetic=2))
    keys = [json.loads((tmp_path / name / "key.json").read_text()) for name in ("a", "b")]
    assert keys[0]["seed"] != keys[1]["seed"] and keys[0]["page"] != keys[1]["page"]


def test_real_images_are_of_patients_that_the_generator_has_not_seen_and_within_its_window(study, tmp_path):
    dataset, _ = study
    cohort = Cohort.load(dataset)
    save_bank(tmp_path / "bank", flat_images([0, 1] * 6), facts(cohort, window=[80.5, 120.0]))
    chosen = choose_images(cohort, [tmp_path / "bank"], num_real=3, num_synthetic=3, part="test", seed=0)
    for origin in chosen.origins:
        assert "bank" in origin or cohort.folds.fold_of[origin["patient"]] == 0
    # The lesions go far beyond.
    real = chosen.images.pixels[~chosen.is_synthetic]
    assert (real.min(), real.max()) == (81, 120)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "grey"}, "unit grey, but the dataset has HU"),
        ({"class_names": ["a", "b"]}, "class_names"),
        ({"dataset_fingerprint": "d" * 64}, "is of dataset dddddddddddd, but"),
        ({"fold_fingerprint": "f" * 64}, "is of partition ffffffffffff, but"),
        ({"train_fingerprint": "a" * 64}, "other patients"),
        ({"fold": 7}, "fold 7, but the dataset has 3"),
        ({"image_size": 99}, "image_size 99, but bank"),
        ({"window": [0.0, 1.0]}, "window"),
    ],
)
def test_a_bank_that_does_not_belong_here_is_refused(study, tmp_path, changes, message):
    dataset, bank = study
    save_bank(tmp_path / "bank", flat_images([0, 1] * 6), facts(Cohort.load(dataset), **changes))
    with pytest.raises(BankError, match=message):
        write_study(tmp_path / "out", dataset, [bank, tmp_path / "bank"], CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_real": 9}, "num_real is 9, but class '</script>cyst' has 4 lesions among the test patients"),
        ({"num_synthetic": 7}, "num_synthetic is 7, but the banks hold 6 images of class"),
        ({"window": (5.0, 5.0)}, "lower one first"),
        ({"window": (300.0, 400.0)}, "shows nothing"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(study, tmp_path, changes, message):
    dataset, bank = study
    with pytest.raises(ConfigError, match=message):
        write_study(tmp_path / "out", dataset, [bank], ReaderConfig(**({"num_real": 3, "num_synthetic": 3} | changes)))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(RunError, match="exists"):
        write_study(tmp_path, tmp_path / "none", [], CONFIG)


def test_banks_of_one_class_take_turns(study, tmp_path):
    dataset, bank = study
    save_bank(tmp_path / "more", flat_images([1] * 6), facts(Cohort.load(dataset)))
    chosen = choose_images(
        Cohort.load(dataset), [bank, tmp_path / "more"], num_real=1, num_synthetic=4, part="test", seed=0
    )
    used = [
        (origin["bank"], int(label))
        for origin, label in zip(chosen.origins, chosen.images.labels, strict=True)
        if "bank" in origin
    ]
    assert used.count((str(bank), 0)) == 4
    assert used.count((str(bank), 1)) == used.count((str(tmp_path / "more"), 1)) == 2


def test_a_key_that_was_changed_is_refused(study, tmp_path):
    dataset, bank = study
    write_study(tmp_path / "out", dataset, [bank], CONFIG)
    held = json.loads((tmp_path / "out" / "key.json").read_text())
    held["truth"][0]["source"] = "real" if held["truth"][0]["source"] == "synthetic" else "synthetic"
    with pytest.raises(DataError, match="was changed"):
        load_key(write(tmp_path / "changed.json", held))
    with pytest.raises(DataError, match="no key of a reader page"):
        load_key(write(tmp_path / "other.json", {"format": "x"}))
    with pytest.raises(DataError, match="cannot be read"):
        load_key(tmp_path / "none.json")


def test_the_window_and_the_zoom_are_the_pages(study, tmp_path):
    dataset, bank = study
    config = ReaderConfig(num_real=1, num_synthetic=1, window=(-90.0, -39.0), zoom=3, seed=0)
    write_study(tmp_path / "out", dataset, [bank], config)
    content, _ = parsed((tmp_path / "out" / "reader.html").read_text())
    assert content["side"] == 3 * SIDE and content["window"] == [-90.0, -39.0]
    # 5 per grey value of 255/51: the flat image of value -90 + 5 i has grey value 25 i.
    key = load_key(tmp_path / "out" / "key.json")
    for pixels, source, origin in zip(key.pixels, key.source, key.origins, strict=True):
        if source:
            assert (pixels == min(255, 25 * origin["index"])).all()
