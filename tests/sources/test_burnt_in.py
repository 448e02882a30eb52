"""Text in pixels is suspected, and bodies, noise and boxes are not."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lesion_jax.commands import main
from lesion_jax.io.lettering import font
from lesion_jax.sources.burnt_in import looks_written_on
from lesion_jax.sources.png import load_png
from tests.sources.test_likeness import body

REAL = Path(os.environ.get("LESION_JAX_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def written(pixels, text, size, at, value):
    mask = Image.new("L", pixels.shape[::-1])
    ImageDraw.Draw(mask).text(at, text, fill=255, font=font(size))
    share = np.asarray(mask) / 255
    return np.rint(pixels * (1 - share) + value * share).astype(np.int16)


@pytest.mark.parametrize("size", [12, 18, 30])
@pytest.mark.parametrize("text", ["DOE^JANE 19430917", "Klinikum, 12.03.2020"])
def test_a_name_is_found_wherever_it_stands(text, size):
    plain = np.kron(body(0), np.ones((2, 2)))
    for at in ((6, 6), (6, 470), (100, 250)):
        assert looks_written_on(written(plain, text, size, at, 3071))
    # Black on white, as on the paper of old films.
    assert looks_written_on(written(np.full((300, 500), 200.0), text, size, (9, 9), 0))


def test_bodies_noise_and_what_is_too_small_have_none():
    for seed in range(3):
        image = np.kron(body(seed), np.ones((2, 2)))
        # As windows for liver and lung show it.
        assert not any(looks_written_on(image.clip(*window)) for window in ((-1024, 3071), (-160, 240), (-1000, 400)))
    noise = np.random.default_rng(0).normal(0, 50, (256, 256))
    assert not looks_written_on(noise) and not looks_written_on(np.zeros((256, 256)))
    assert not looks_written_on(written(np.zeros((40, 90)), "Doe Jane", 12, (2, 2), 255))
    # A ruler's ticks have no letters' sizes, and one letter is a side's.
    ruler = np.zeros((256, 256))
    ruler[10:240:10, 250:] = 255
    assert not looks_written_on(ruler) and not looks_written_on(written(ruler, "R", 30, (9, 9), 255))


def test_real_slices_have_none():
    folder = REAL / "deeplesion_liver47" / "Images_png"
    if not folder.is_dir():
        pytest.skip(f"no real data at {REAL}; set LESION_JAX_TEST_DATA")
    assert [path for path in sorted(folder.iterdir())[::4] if looks_written_on(load_png(path)[0])] == []


def test_the_dry_run_tells_and_looks_at_images_as_they_were(tmp_path, capsys):
    for i, text in enumerate(["Doe, Jane 1943", ""]):
        path = tmp_path / "in" / "ab"[i] / f"{i}.png"
        path.parent.mkdir(parents=True)
        # Of 500 pixels, of which 128 are kept.
        image = written(np.random.default_rng(i).integers(20, 90, (500, 500)), text, 14, (9, 9), 255)
        Image.fromarray(image.astype(np.uint8)).save(path)
    assert main(["build", "--source=images", f"--input={tmp_path / 'in'}", "--dry_run", "--num_folds=0"]) == 0
    said = capsys.readouterr().out
    assert "1 images that seem to have text in their pixels: look at them; the first: " in said and "a/0.png" in said
