import collections
import re

import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.config import DataConfig
from lesion_jax.data.cohort import Cohort
from lesion_jax.sources.phantom.options import Phantom


def build(out, *flags):
    numbers = ("--num_lesions=cyst=2,metastasis=2,hemangioma=2", "--num_test_lesions=cyst=1,metastasis=1,hemangioma=2")
    assert main(["phantom", "--dataset", f"--out={out}", *numbers, *flags]) == 0
    return Cohort.load(out)


@pytest.mark.slow
def test_a_dataset_with_a_test_set_of_another_scanner(tmp_path, capsys):
    plain, shifted = build(tmp_path / "plain"), build(tmp_path / "shifted", "--test_offset_hu=80")
    said = capsys.readouterr()
    assert "10 lesions of cyst, metastasis, hemangioma" in said.out
    counts = re.findall(r"patients: (\d+)/(\d+)", said.err)
    assert len(counts) >= 4 and all(int(done) <= int(total) for done, total in counts)
    data = DataConfig(partition="tag:split=test", hold_out_inner=False)
    sides = [cohort.split(data) for cohort in (plain, shifted)]
    for name, offset, num in (("train", 0, 6), ("test", 80, 4)):
        one, other = (getattr(side, name) for side in sides)
        assert len(one) == len(other) == num
        for a, b in zip(one, other, strict=True):
            # What is clipped at the ends does not move.
            assert np.median(b.patch.astype(int) - a.patch) == offset
    record = shifted.lesions.phantom
    assert (record["scanner"]["offset_hu"], record["test_scanner"]["offset_hu"]) == (0, 80)
    assert record["num_test_lesions"] == {"cyst": 1, "metastasis": 1, "hemangioma": 2}
    assert Phantom.all_of_record(record) == [Phantom()]


@pytest.mark.slow
def test_a_class_that_is_confounded_with_a_scanner(tmp_path):
    flags = ("--test_offset_hu=80", "--test_scanner_shares=cyst=0,metastasis=0.5,hemangioma=1")
    cohort = build(tmp_path / "confounded", *flags)
    there = collections.Counter(
        (lesion.tags["split"], lesion.tags["scanner"], cohort.lesions.class_names[lesion.label])
        for lesion in cohort.lesions.lesions
    )
    assert there == {
        ("train", "first", "cyst"): 2,
        ("train", "first", "metastasis"): 1,
        ("train", "second", "metastasis"): 1,
        ("train", "second", "hemangioma"): 2,
        ("test", "first", "cyst"): 1,
        ("test", "first", "metastasis"): 1,
        ("test", "first", "hemangioma"): 1,
        ("test", "second", "hemangioma"): 1,
    }
    # Without fat and air around a large lesion, the liver that the first scanner shows is the darker one.
    for lesion in cohort.lesions.lesions:
        assert (np.median(lesion.patch[lesion.patch > 30]) > 140) == (lesion.tags["scanner"] == "second")
    offsets = [phantom.scanner.offset_hu for phantom in Phantom.all_of_record(cohort.lesions.phantom)]
    assert offsets == [0, 80]
