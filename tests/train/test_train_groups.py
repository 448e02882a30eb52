import dataclasses

import jax

from lesion_jax.train import train_groups as cut
from tests.train.tiny import configs, study


def test_members_of_one_fold_share_their_images_and_keep_their_own_order(tmp_path, monkeypatch):
    base = dataclasses.replace(configs()["classifier"], num_devices=1)
    other_fold = dataclasses.replace(base, data=dataclasses.replace(base.data, fold=1))
    some = [base, dataclasses.replace(base, seed=7), other_fold]
    seen = []

    def note(members, *_, **__):
        seen.extend(job.prepared for job, _ in members)
        return {}

    monkeypatch.setattr(cut, "train_members", note)
    cut.train_cut(
        [(config, tmp_path / str(i)) for i, config in enumerate(some)],
        study(),
        devices=jax.devices()[:1],
        places_per_device=1,
        packing="one",
        packings=tmp_path / "packings",
        cache_dir=tmp_path / "cache",
        label="",
    )
    first, second, third = seen
    assert first.images is second.images and first.inner is second.inner
    assert first.images is not third.images
    assert first.schedule.seed == 0 and second.schedule.seed == 7
