import dataclasses
import os
import threading
import time

import numpy as np
import pytest

from lesion_jax.data import classic as pool
from lesion_jax.data.augment import augmented, original
from lesion_jax.data.classic import classic_pool
from lesion_jax.errors import DataError

SETTINGS = {"image_size": 12, "margin": 0.25, "seed": 3}


@pytest.fixture
def lesions(new_lesion):
    return [new_lesion(f"lesion {i}", label=i % 3) for i in range(5)]


def test_originals_first_then_variants(lesions):
    images = classic_pool(lesions, per_lesion=4, **SETTINGS)
    assert len(images) == 25 and images.labels.tolist() == [0, 1, 2, 0, 1] * 5
    for i, lesion in enumerate(lesions):
        np.testing.assert_array_equal(images.pixels[i], original(lesion, 12, 0.25))
        np.testing.assert_array_equal(images.pixels[5 + i :: 5], augmented(lesion, range(4), 12, 0.25, 3))


def test_smaller_sets_are_prefixes(lesions):
    large = classic_pool(lesions, per_lesion=6, **SETTINGS)
    for per_lesion in (0, 1, 5):
        small = classic_pool(lesions, per_lesion=per_lesion, **SETTINGS)
        np.testing.assert_array_equal(small.pixels, large.pixels[: len(small)])
        np.testing.assert_array_equal(small.labels, large.labels[: len(small)])


def test_no_lesions_no_images():
    images = classic_pool([], per_lesion=3, **SETTINGS)
    assert images.pixels.shape == (0, 12, 12) and images.labels.shape == (0,)


def test_cache_gives_the_same_images_without_work(lesions, tmp_path, monkeypatch):
    plain = classic_pool(lesions, per_lesion=6, **SETTINGS)
    classic_pool(lesions[:3], per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    grown = classic_pool(lesions, per_lesion=6, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(grown.pixels, plain.pixels)
    assert len(list(tmp_path.iterdir())) == 5

    def refuse(*_, **__):
        raise AssertionError("Nothing should be left to compute.")

    monkeypatch.setattr(pool, "augmented", refuse)
    cached = classic_pool(lesions[::-1], per_lesion=5, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(cached.pixels.reshape(6, 5, 12, 12)[:, ::-1].reshape(-1, 12, 12), plain.pixels[:30])


@pytest.mark.parametrize(
    "changes", [{"diameter_mm": 21.0}, {"center": (45.3, 44.7)}, {"spacing_mm": (1.0, 0.99)}, {"patch": None}]
)
def test_cache_is_keyed_by_content(lesions, tmp_path, changes):
    classic_pool(lesions[:1], per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    if "patch" in changes:
        changes = {"patch": lesions[0].patch + np.int16(1)}
    changed = [dataclasses.replace(lesions[0], **changes)]
    found = classic_pool(changed, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(found.pixels, classic_pool(changed, per_lesion=2, **SETTINGS).pixels)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("other", [{"image_size": 13}, {"margin": 0.3}, {"seed": 4}])
def test_cache_is_keyed_by_settings(lesions, tmp_path, other):
    classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    settings = {**SETTINGS, **other}
    found = classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **settings)
    np.testing.assert_array_equal(found.pixels, classic_pool(lesions, per_lesion=2, **settings).pixels)


def test_damaged_cache_is_made_again(lesions, tmp_path):
    plain = classic_pool(lesions, per_lesion=3, cache_dir=tmp_path, **SETTINGS)
    for path, length in zip(tmp_path.iterdir(), (0, 10, 100, 200, 700), strict=True):
        path.write_bytes(path.read_bytes()[:length])
    again = classic_pool(lesions, per_lesion=3, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(again.pixels, plain.pixels)


@pytest.mark.parametrize("spoil", ["zeros", "one bit", "another image's"])
def test_spoilt_pixels_in_the_cache_are_made_again(spoil, lesions, tmp_path):
    plain = classic_pool(lesions, per_lesion=3, cache_dir=tmp_path, **SETTINGS)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        records = np.load(path)
        if spoil == "zeros":
            records = np.zeros_like(records)
        elif spoil == "one bit":
            records["pixels"][2, 5, 7] ^= 4
        else:
            records["pixels"][[0, 1]] = records["pixels"][[1, 0]]
        np.save(path, records)
    again = classic_pool(lesions, per_lesion=3, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(again.pixels, plain.pixels)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_cache_that_cannot_be_written(lesions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        classic_pool(lesions, per_lesion=2, cache_dir=tmp_path / "file", **SETTINGS)


def test_error_of_a_lesion_reaches_the_caller(lesions):
    cut = dataclasses.replace(lesions[1], patch=lesions[1].patch[35:-35, 35:-35], center=(10.0, 10.0))
    with pytest.raises(DataError, match="lesion 1"):
        classic_pool([lesions[0], cut], per_lesion=2, **SETTINGS)


def test_what_killed_processes_left_is_removed_and_a_living_one_is_let_be(lesions, tmp_path):
    left, living = tmp_path / ".a.npy.17", tmp_path / ".b.npy.18"
    for path in (left, living):
        path.write_text("half")
    os.utime(left, (0, 0))
    classic_pool(lesions[:1], per_lesion=1, cache_dir=tmp_path, **SETTINGS)
    assert not left.exists() and living.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failure_without_a_number_is_told_in_its_own_words(lesions, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the library's own words")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(DataError, match="cannot be written .the library's own words"):
        classic_pool(lesions[:1], per_lesion=1, cache_dir=tmp_path, **SETTINGS)
    assert not list(tmp_path.iterdir())


def test_headers_of_cached_files_are_read_one_at_a_time(lesions, tmp_path, monkeypatch):
    classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    load, reading, times = np.load, threading.Lock(), []

    def slow_load(*args, **kwargs):
        # What CPython's parser does when two threads are in it, made certain.
        if not reading.acquire(blocking=False):
            raise SystemError("AST constructor recursion depth mismatch")
        try:
            time.sleep(0.01)
            times.append(args)
            return load(*args, **kwargs)
        finally:
            reading.release()

    monkeypatch.setattr(np, "load", slow_load)
    monkeypatch.setattr(pool, "_num_cores", lambda: 4)
    classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    assert len(times) == len(lesions)


def test_processes_of_several_hosts_with_one_number_fill_one_cache(lesions, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    # As on two hosts: a file that another writes beside ours.
    save, begun = np.save, []

    def save_twice(file, images):
        if not begun:
            begun.append(file)
            classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
        save(file, images)

    monkeypatch.setattr(np, "save", save_twice)
    found = classic_pool(lesions, per_lesion=2, cache_dir=tmp_path, **SETTINGS)
    np.testing.assert_array_equal(found.pixels, classic_pool(lesions, per_lesion=2, **SETTINGS).pixels)
    assert len(list(tmp_path.iterdir())) == len(lesions)
