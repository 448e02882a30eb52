"""What a build would find, before it: likeness and overlap, folds that cannot be, and what is passed over."""

import numpy as np
import pytest
from PIL import Image

from lesion_jax.data.preflight import look_ahead
from lesion_jax.data.preflight_text import preflight_text
from lesion_jax.errors import DataError, FoldError
from lesion_jax.sources.reading import Asked
from lesion_jax.sources.review import DataErrors

HEADER = "file,patient,spacing_mm,row,column,diameter_mm,label"


def silent(done, total):
    pass


@pytest.fixture
def look(tmp_path):
    def look_at(images, *rows, num_folds=0, accept=()):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        for name, hu in images.items():
            Image.fromarray((hu + 32768).astype(np.uint16)).save(folder / name)
        (tmp_path / "lesions.csv").write_text("\n".join([HEADER, *rows]) + "\n")
        asked = Asked(folder, tmp_path / "lesions.csv", accept=accept)
        return look_ahead(asked, num_folds, 0, silent, silent)

    return look_at


def noise(seed):
    return np.random.default_rng(seed).normal(60, 30, (80, 90))


def test_rois_that_look_alike_across_patients_and_classes_are_told(look):
    one, other = noise(0), noise(1)
    # Another image, but for the lesion in it.
    other[15:45, 15:45] = one[35:65, 35:65]
    rows = ["a.png,P,1,50,50,12,x", "b.png,Q,1,30,30,12,y", "b.png,Q,1,60,70,12,y"]
    found = look({"a.png": one, "b.png": other}, *rows, accept=["alike"])
    (told,) = found.alike
    assert "line 3: its ROI looks like that of " in told and told.endswith(
        "of two patients and two classes, 'x' and 'y'."
    )
    found.check()
    # The very pixels of one lesion under two patients end a build.
    with pytest.raises(DataError, match="line 3: the lesion in .*b.png has the very pixels"):
        look({}, *rows).check()
    same = look({"a.png": one, "b.png": other}, "a.png,P,1,50,50,12,x", "b.png,P,1,30,30,12,x")
    assert same.alike == []


def test_marks_that_reach_each_others_centre_are_told_in_mm(look):
    rows = ["a.png,P,0.5,30,30,8,x", "a.png,P,0.5,30,36,8,y", "a.png,P,0.5,30,44,8,x", "b.png,P,0.5,30,30,8,y"]
    found = look({"a.png": noise(0), "b.png": noise(1)}, *rows)
    (told,) = found.overlapping
    assert "line 3: 3.0 mm beside that of " in told and told.endswith("line 2, 'x' and 'y'.")


def test_what_would_end_the_build_is_told_after_the_rest(look):
    images = {"a.png": noise(0), "b.png": noise(1), "c.png": noise(2)}
    rows = ["a.png,P,1,30,30,8,x", "b.png,Q,1,30,30,8,y"]
    found = look(images, *rows, num_folds=2)
    assert isinstance(found.folds, FoldError) and (found.num_files, found.num_unused) == (3, 1)
    text = preflight_text(found, 2)
    assert "smallest class: x, 1 patients for 2 folds; there can be no such folds: Class 'x' has 1" in text
    with pytest.raises(FoldError, match="has 1 patients"):
        found.check()
    found = look(images, *rows, "a.png,P,1,99,30,8,x", "c.png,R,1,9,9,1,y", "c.png,R,1,29,9,1,y")
    assert len(found.lesions) == 4 and found.lesion_set.num_classes == 2
    text = preflight_text(found, 0)
    assert "3 mistakes in 3 rows would end the build:\n  2 lesions of too few pixels (--accept=size" in text
    with pytest.raises(DataErrors):
        found.check()
    accepted = look(images, *rows, "c.png,R,1,9,9,1,y", accept=["size"])
    assert "1 lesions of too few pixels, accepted by --accept=size" in preflight_text(accepted, 0)
    accepted.check()


def test_without_a_lesion_there_is_a_sentence_and_the_mistake(look):
    found = look({"a.png": noise(0)}, "b.png,P,1,30,30,8,x")
    assert "No lesion can be read.\n1 mistakes in 1 rows" in preflight_text(found, 3)
    with pytest.raises(DataErrors, match="b.png does not exist"):
        found.check()


def test_the_shown_roi_has_the_lesion_in_the_middle_and_its_share(look):
    hu = np.full((80, 90), 0.0)
    hu[24:37, 34:47] = 100
    found = look({"a.png": hu}, "a.png,P,1,30,40,13,x")
    images, mark = found.rois(52, silent)
    # Two diameters wide: the lesion fills the middle half.
    assert images.shape == (1, 52, 52) and mark == 0.5
    assert images[0, 15:37, 15:37].min() > 80 and np.abs(images[0, :10]).max() < 20
    assert found.captions == ["line 2: 13.0 mm"]


def test_whole_images_are_numbered_by_their_files_and_have_no_mark(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        pixels = np.random.default_rng(len(name)).integers(0, 256, (28, 28)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / name / "1.png")
    found = look_ahead(Asked(tmp_path / "in", source="images"), 0, 0, silent, silent)
    images, mark = found.rois(28, silent)
    assert mark == 0 and found.captions == ["file 1", "file 2"] and "marks in one image" not in preflight_text(found, 0)
    np.testing.assert_allclose(images[0], pixels, atol=1)
    # The same pixels in two classes.
    assert found.alike[0].endswith("of two classes, 'a' and 'b'.")
