import numpy as np

from lesion_jax.commands import main
from lesion_jax.config import DataConfig
from lesion_jax.data.cohort import Cohort


def test_a_dataset_with_a_test_set_of_another_scanner(tmp_path, capsys):
    command = [
        *("phantom", "--dataset", f"--out={tmp_path / 'out'}", "--num_lesions=cyst=2,metastasis=2,hemangioma=2"),
        *("--num_test_lesions=cyst=1,metastasis=1,hemangioma=2", "--test_offset_hu=80"),
    ]
    assert main(command) == 0
    assert "10 lesions of cyst, metastasis, hemangioma" in capsys.readouterr().out
    cohort = Cohort.load(tmp_path / "out")
    parts = cohort.split(DataConfig(partition="tag:split=test", hold_out_inner=False))
    assert (len(parts.train), len(parts.test)) == (6, 4)
    levels = [np.mean([np.median(lesion.patch) for lesion in some]) for some in (parts.train, parts.test)]
    assert 50 < levels[1] - levels[0] < 110
    assert cohort.lesions.phantom["scanner"]["offset_hu"] == 0
