"""The phantom cohort: honest DICOM, marks that hit their lesions, determinism, classes that overlap as they should."""

import collections
import csv
import filecmp
import re
import shutil

import numpy as np
import pydicom
import pytest

from lesion_jax.errors import ConfigError, RunError
from lesion_jax.sources.phantom import anatomy as phantom_anatomy
from lesion_jax.sources.phantom import lesions as phantom_lesions
from lesion_jax.sources.phantom import render as phantom_render
from lesion_jax.sources.phantom import shapes as phantom_shapes
from lesion_jax.sources.phantom.cohort import PAPER_COUNTS, draw_cohort
from lesion_jax.sources.phantom.options import Phantom, read_record
from lesion_jax.sources.phantom.write import _SLICE_BYTES, write_phantom

# Eight patients or a few less, and one of several lesions.
COUNTS = {"cyst": 2, "metastasis": 5, "hemangioma": 2}
# One patient, for what does not need every class.
TINY = {"cyst": 1}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    calls = []
    path = write_phantom(
        tmp_path_factory.mktemp("phantom") / "out", seed=3, num_lesions=COUNTS, progress=lambda *at: calls.append(at)
    )
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return path.parent, rows, calls


@pytest.fixture(scope="module")
def slices(cohort):
    read = [(path, pydicom.dcmread(path)) for path in sorted(cohort[0].rglob("*.dcm"))]
    return {data.SOPInstanceUID: (path, data) for path, data in read}


def _hu(data) -> np.ndarray:
    return data.pixel_array.astype(np.int32) + int(data.RescaleIntercept)


def test_headers_are_those_of_a_portal_phase_ct(slices):
    for path, data in slices.values():
        assert data.file_meta.MediaStorageSOPClassUID == pydicom.uid.CTImageStorage == data.SOPClassUID
        assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
        assert path.read_bytes()[128:132] == b"DICM"
        assert data.pixel_array.shape == (512, 512)
        assert data.pixel_array.dtype == np.int16
        assert data.KVP == 120
        assert list(data.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
        assert "portal venous" in data.SeriesDescription
        assert 0.5 < data.PixelSpacing[0] == data.PixelSpacing[1] < 1.0
        assert 1.25 <= data.SliceThickness <= 5.0
        assert data.RescaleSlope == 1
        assert _hu(data).min() >= -1024


def test_one_contiguous_series_per_patient(slices):
    series = collections.defaultdict(list)
    for _, data in slices.values():
        series[data.PatientID].append(data)
    assert len(series) == 8
    # A slice for each mark, and one beside them.
    assert sorted(len(stack) for stack in series.values()) == [2] * 7 + [3]
    for stack in series.values():
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PixelSpacing"):
            assert len({str(data[keyword].value) for data in stack}) == 1, keyword
        z = np.sort([float(data.ImagePositionPatient[2]) for data in stack])
        np.testing.assert_allclose(np.diff(z), float(stack[0].SliceThickness), atol=1e-3)
    assert len({stack[0].SeriesInstanceUID for stack in series.values()}) == len(series)


def test_file_names_do_not_give_the_order_away(slices):
    by_name = sorted(slices.values(), key=lambda item: item[0])
    stacks = collections.defaultdict(list)
    for path, data in by_name:
        stacks[path.parent].append(float(data.ImagePositionPatient[2]))
    # Head first in some, feet first in others.
    assert {z == sorted(z) for z in stacks.values()} == {True, False}


def test_marks_point_at_their_lesions(cohort, slices):
    _, rows, _ = cohort
    assert collections.Counter(row["label"] for row in rows) == COUNTS
    for row in rows:
        _, data = slices[row["sop_instance_uid"]]
        diameter, y, x = (float(row[name]) for name in ("diameter_mm", "row", "column"))
        assert 10 <= diameter <= 102
        grid = np.hypot(*(np.indices((512, 512)) - np.array([y, x])[:, None, None])) * float(data.PixelSpacing[0])
        hu = _hu(data)
        center = hu[grid < 0.2 * diameter].mean()
        if row["label"] == "cyst":
            assert -5 < center < 45
        else:
            assert 20 < center < 190
        # Liver all around, or at least on one side: the ring's upper half is parenchyma.
        ring = hu[(grid > 0.6 * diameter) & (grid < 0.75 * diameter)]
        assert 80 < np.percentile(ring, 60) < 160


def test_progress_counts_patients(cohort):
    _, _, calls = cohort
    total = calls[0][1]
    assert calls == [(i, total) for i in range(1, total + 1)]


def test_same_seed_same_bytes_and_another_seed_another_cohort(tmp_path):
    a, b, c = (write_phantom(tmp_path / name, seed=s, num_lesions=TINY).parent for name, s in ("a7", "b7", "c8"))
    files = [path.relative_to(a) for path in sorted(a.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(b) for path in sorted(b.rglob("*")) if path.is_file()]
    assert filecmp.cmpfiles(a, b, files, shallow=False) == (files, [], [])
    assert (a / "lesions.csv").read_text() != (c / "lesions.csv").read_text()


def test_refuses_a_folder_with_something_in_it(tmp_path):
    (tmp_path / "note").write_text("mine")
    with pytest.raises(RunError, match="not an empty directory"):
        write_phantom(tmp_path, num_lesions=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]
    with pytest.raises(RunError, match="note"):
        write_phantom(tmp_path / "note" / "out", num_lesions=TINY)


def test_takes_an_empty_folder_and_leaves_nothing_when_interrupted(tmp_path):
    out = tmp_path / "out"
    out.mkdir()

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(out, num_lesions=TINY, progress=stop)
    assert list(tmp_path.iterdir()) == [out]
    assert not list(out.iterdir())
    assert write_phantom(out, num_lesions=TINY).is_file()


def test_a_disk_without_room_is_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1 << 19))
    # Two slices.
    with pytest.raises(RunError, match=r"takes up to 1\.0 MiB, but 0\.5 MiB are free"):
        write_phantom(tmp_path / "deep" / "out", num_lesions=TINY)
    assert not list(tmp_path.iterdir())


def test_the_room_that_is_asked_for_is_the_room_that_is_taken(cohort):
    folder, _, _ = cohort
    sizes = [path.stat().st_size for path in folder.rglob("*.dcm")]
    assert max(sizes) <= _SLICE_BYTES < 1.02 * min(sizes)


@pytest.mark.parametrize("told", [OSError(28, "No space left on device"), OSError("the library's own words")])
def test_what_a_killed_process_left_is_removed_and_a_failure_is_told(tmp_path, monkeypatch, told):
    left = tmp_path / ".out.building" / "patient_000"
    left.mkdir(parents=True)

    def fail(folder, *_):
        assert not left.exists() and folder == tmp_path / ".out.building"
        raise told

    monkeypatch.setattr("lesion_jax.sources.phantom.write._write_patients", fail)
    with pytest.raises(RunError, match=re.escape(f"cannot be written ({told.strerror or told}); make")):
        write_phantom(tmp_path / "out", num_lesions=TINY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("counts", [{"abscess": 3}, {"cyst": -1}, {"cyst": 0}, {}])
def test_impossible_counts_are_refused_before_anything_is_written(counts, tmp_path):
    with pytest.raises(ConfigError, match="num_lesions"):
        write_phantom(tmp_path / "out", num_lesions=counts)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("counts", [PAPER_COUNTS, dict.fromkeys(PAPER_COUNTS, 8), dict.fromkeys(PAPER_COUNTS, 4)])
def test_cohorts_can_be_cut_into_three_folds(counts):
    for seed in range(5):
        patients = draw_cohort(np.random.default_rng(seed), counts)
        assert collections.Counter(label for labels in patients for label in labels) == counts
        assert all(1 <= len(labels) <= 5 for labels in patients)
        for name in counts:
            assert sum(name in labels for labels in patients) >= 4


def test_distances_of_a_circle_are_exact():
    x, y = np.meshgrid(np.linspace(-20, 20, 41, dtype=np.float32), np.linspace(-20, 20, 41, dtype=np.float32))
    distance = phantom_shapes.ellipse(x, y, (2, -3), (9, 9))
    away = np.hypot(x - 2, y + 3) > 0
    np.testing.assert_allclose(distance[away], (np.hypot(x - 2, y + 3) - 9)[away], atol=1e-3)


def test_a_shape_thinner_than_a_pixel_is_painted_partly():
    image = np.zeros((1, 3), np.float32)
    phantom_shapes.paint(image, np.array([[-2.0, 0.0, 2.0]], np.float32), 100.0, 1.0)
    np.testing.assert_allclose(image, [[100, 50, 0]])


@pytest.fixture(scope="module")
def patient():
    return phantom_anatomy.create_patient(np.random.default_rng(0))


def test_noise_has_the_patients_strength_and_is_correlated(patient):
    hu = (
        phantom_render.scan(np.full((512, 512), 100, np.float32), patient, np.random.default_rng(1)).astype(float) - 100
    )
    middle = hu[156:356, 156:356]
    assert middle.std() == pytest.approx(patient.noise_hu * 1.03, rel=0.08)
    neighbours = np.corrcoef(middle[:, :-1].ravel(), middle[:, 1:].ravel())[0, 1]
    far = np.corrcoef(middle[:, :-12].ravel(), middle[:, 12:].ravel())[0, 1]
    assert 0.35 < neighbours < 0.95
    assert abs(far) < 0.15


def test_marks_that_err_leave_the_images_as_they_are(cohort, slices, tmp_path):
    phantom = Phantom(mark_error=0.5)
    with write_phantom(tmp_path / "out", seed=3, num_lesions=COUNTS, phantom=phantom).open() as file:
        marked = list(csv.DictReader(file))
    folder, exact, _ = cohort
    assert read_record(tmp_path / "out")["mark_error"] == 0.5
    files = [path.relative_to(folder) for path in folder.rglob("*.dcm")]
    assert files and not any(filecmp.cmpfiles(folder, tmp_path / "out", files, shallow=False)[1:])
    away = []
    for true, off in zip(exact, marked, strict=True):
        assert (true["sop_instance_uid"], true["label"]) == (off["sop_instance_uid"], off["label"])
        spacing = slices[true["sop_instance_uid"]][1].PixelSpacing[0]
        moved = np.hypot(*(float(true[name]) - float(off[name]) for name in ("row", "column"))) * spacing
        away.append(moved / float(true["diameter_mm"]))
        assert 0.5 <= float(off["diameter_mm"]) / float(true["diameter_mm"]) <= 1.5
    # Evenly in a disc of half a diameter.
    assert max(away) <= 0.5 and np.median(away) > 0.2


def test_outlines_reach_exactly_the_marked_diameter(patient):
    for label in phantom_lesions.CLASS_NAMES:
        look = phantom_lesions.draw_look(np.random.default_rng(5), label, 30.0, patient, overlap=1.0)
        x, y = np.meshgrid(*[np.arange(-20, 20, 0.1, dtype=np.float32)] * 2)
        distance, depth, _ = phantom_lesions.outline_distance(x, y, (0.0, 0.0), 15.0, look)
        assert np.hypot(x, y)[distance < 0].max() == pytest.approx(15.0, abs=0.2)
        assert ((depth > 0) == (distance < 0)).mean() > 0.999


def test_cysts_are_easy_and_the_solid_classes_overlap(patient):
    draw = np.random.default_rng(11)
    x, y = np.meshgrid(*[np.arange(-16, 16, 0.8, dtype=np.float32)] * 2)
    features = {}
    for label in phantom_lesions.CLASS_NAMES:
        rows = []
        for _ in range(80):
            look = phantom_lesions.draw_look(draw, label, 25.0, patient, overlap=1.0)
            distance, depth, angle = phantom_lesions.outline_distance(x, y, (0.0, 0.0), 12.5, look)
            hu = phantom_lesions.fill(depth, angle, look, draw)
            core, edge = hu[depth > 0.5], hu[(depth > 0.05) & (depth < 0.35)]
            rows.append((core.mean(), np.percentile(edge, 90)))
        features[label] = np.asarray(rows)
    cyst, metastasis, hemangioma = (features[name] for name in phantom_lesions.CLASS_NAMES)
    assert cyst.max() < 45 < np.median(metastasis[:, 0])
    # Peripheral enhancement parts most hemangiomas from most metastases, and leaves some on either side.
    thresholds = np.linspace(40, 190, 151)
    right = [((metastasis[:, 1] < t).mean() + (hemangioma[:, 1] >= t).mean()) / 2 for t in thresholds]
    assert 0.6 < max(right) < 0.85
