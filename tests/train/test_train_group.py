import dataclasses

import jax

from lesion_jax.train import train_group as module
from tests.train.tiny import cohort, configs


def test_members_of_one_fold_share_their_images_and_keep_their_own_order(tmp_path, monkeypatch):
    base = dataclasses.replace(configs()["classifier"], num_devices=1)
    other_fold = dataclasses.replace(base, data=dataclasses.replace(base.data, fold=1))
    some = [base, dataclasses.replace(base, seed=7), other_fold]
    seen = []

    def note(recorders, *_, **__):
        seen.extend(recorder.training.images for recorder in recorders)
        return {}

    monkeypatch.setattr(module, "run_population", note)
    module.train_group(
        [(config, tmp_path / str(i)) for i, config in enumerate(some)],
        cohort(),
        devices=jax.devices()[:1],
        slots_per_device=1,
        packing="one",
        workdir=tmp_path,
        label="",
    )
    first, second, third = seen
    assert first.images is second.images and first.inner is second.inner
    assert first.images is not third.images
    assert first.schedule.seed == 0 and second.schedule.seed == 7
