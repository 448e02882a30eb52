import subprocess
import sys

import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.data.schedule import Schedule


@pytest.fixture(scope="module")
def images():
    hu = np.random.default_rng(0).integers(-1024, 3072, (47, 8, 8)).astype(np.int16)
    return Images(hu, np.arange(47, dtype=np.int32) % 3)


def test_batches_are_the_plain_gather_to_the_bit(images):
    from lesion_jax.data.stream import make_batches

    schedule = Schedule(num_real=30, num_synthetic=17, batch_size=16, synthetic_share=0.25, seed=1)
    steps = 0
    for step, batch in enumerate(make_batches(images, schedule, start=0, stop=25)):
        chosen = schedule.indices(step)
        expected = {
            "pixels": images.pixels[chosen],
            "label": images.labels[chosen],
            "index": np.arange(16, dtype=np.int32),
        }
        assert batch.keys() == expected.keys()
        for name, array in expected.items():
            assert batch[name].dtype == array.dtype
            np.testing.assert_array_equal(batch[name], array)
        steps += 1
    assert steps == 25


@pytest.mark.parametrize("start", [1, 7, 24, 25])
def test_a_stream_continues_anywhere(images, start):
    from lesion_jax.data.stream import make_batches

    schedule = Schedule(num_real=30, num_synthetic=17, batch_size=16, synthetic_share=0.0, seed=1)
    whole = list(make_batches(images, schedule, start=0, stop=25))
    resumed = list(make_batches(images, schedule, start=start, stop=25))
    assert len(resumed) == 25 - start
    for a, b in zip(whole[start:], resumed, strict=True):
        assert a["pixels"].tobytes() == b["pixels"].tobytes() and a["label"].tobytes() == b["label"].tobytes()


def test_a_schedule_of_other_images_is_refused(images):
    from lesion_jax.data.stream import make_batches

    with pytest.raises(ValueError, match="counts 46 images, but there are 47"):
        make_batches(images, Schedule(46, 0, 8, 0.0, 0), start=0, stop=1)


@pytest.mark.slow
def test_only_the_pipeline_imports_tensorflow():
    modules = ("augment", "bank", "classic", "draws", "folds", "prefetch", "schedule")
    code = "import sys\n" + "".join(f"import lesion_jax.data.{name}\n" for name in modules)
    code += "assert not {'tensorflow', 'sklearn', 'pydicom'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", code], check=True)
