import re

import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.config import DataConfig
from lesion_jax.data.cohort import Cohort


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
    assert shifted.lesions.phantom["scanner"]["offset_hu"] == 0
