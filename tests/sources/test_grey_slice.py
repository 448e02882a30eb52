"""MR and other modalities: grey values of a stated range, one scale for a series, never Hounsfield units."""

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.dicom_slice import load_slice
from lesion_jax.sources.grey_scale import parse_range
from lesion_jax.sources.grey_slice import SeriesFiles
from tests.sources.seg_writer import item, outline, write_rtstruct, write_seg

SERIES = [np.random.default_rng([7, index]).integers(0, 400 + 300 * index, (40, 50)) for index in range(3)]


def write_series(write, name="s", scale=1, slopes=(1, 1, 1), modality="MR", **changes):
    """Three slices of one series, stored times `scale` and divided by the slope, which the header gives."""
    return [
        write(
            f"in/{name}{index}",
            **{
                "uid": f"1.{name}.{index}".replace("s", "1").replace("t", "2"),
                "Modality": modality,
                "PatientID": name,
                "SeriesInstanceUID": f"2.{1 if name == 's' else 2}",
                "RescaleSlope": slope,
                "RescaleIntercept": 0,
                "PixelData": (scale * values // slope).astype("<i2").tobytes(),
                **changes,
            },
        )
        for index, (values, slope) in enumerate(zip(SERIES, slopes, strict=True))
    ]


def expected(values, images):
    low, high = np.percentile(np.stack(images)[:, ::2, ::2].astype(np.float32), [0.5, 99.5])
    return np.rint((values - low) * 1000 / (high - low))


def read(folder, rows, columns="sop_instance_uid,row,column,diameter_mm,label", **options):
    csv = folder / "rows.csv"
    csv.write_text("\n".join([columns, *rows]))
    return read_lesions(folder / "in", csv, **options)


def test_the_ends_of_the_range_are_percentiles_of_the_whole_series(write_ct):
    paths = write_series(write_ct)
    series = SeriesFiles(paths)
    images = [load_slice(path, series=series) for path in paths]
    for image, values in zip(images, SERIES, strict=True):
        np.testing.assert_array_equal(image.pixels, expected(values, SERIES))
        assert (image.unit, image.value_range, image.modality) == ("grey", (0.0, 1000.0), "MR")
    # One alone has no other.
    np.testing.assert_array_equal(load_slice(paths[0]).pixels, expected(SERIES[0], SERIES[:1]))
    assert [doubt.check for doubt in images[0].doubts] == ["grey_scale"]


def test_another_scanner_of_ten_times_the_signal_gives_the_same_images(write_ct):
    one, ten = write_series(write_ct), write_series(write_ct, "t", scale=10)
    series = SeriesFiles([*one, *ten])
    for path, other in zip(one, ten, strict=True):
        np.testing.assert_array_equal(load_slice(path, series=series).pixels, load_slice(other, series=series).pixels)


def test_slopes_that_differ_from_slice_to_slice_as_those_of_pet_are_applied(write_ct):
    plain = write_series(write_ct)
    paths = write_series(write_ct, "t", scale=4, slopes=(4, 1, 2), modality="PT")
    series = SeriesFiles([*plain, *paths])
    for path, other in zip(plain, paths, strict=True):
        image = load_slice(other, series=series)
        np.testing.assert_allclose(image.pixels, load_slice(path, series=series).pixels, atol=1)
    assert [doubt.check for doubt in image.doubts] == ["grey_scale", "uptake"]


def test_copies_count_once_and_what_cannot_be_read_or_is_padding_not_at_all(write_ct, tmp_path):
    paths = write_series(write_ct, PixelPaddingValue=0)
    series = SeriesFiles(paths)
    whole = load_slice(paths[0], series=series)
    assert (whole.pixels[SERIES[0] == 0] == 0).all()
    copy, spoilt = tmp_path / "in/copy", tmp_path / "in/spoilt"
    copy.write_bytes(paths[2].read_bytes())
    spoilt.write_bytes(paths[2].read_bytes().replace(b"1.1.2", b"1.1.9")[:-100])
    again = load_slice(paths[0], series=SeriesFiles([*paths, copy, spoilt]))
    np.testing.assert_array_equal(again.pixels, whole.pixels)


def test_a_negative_of_a_radiograph_is_turned_and_its_detector_named(write_ct):
    path = write_ct(Modality="DX", PhotometricInterpretation="MONOCHROME1", PixelSpacing=None, BitsStored=16,
                    ImagerPixelSpacing=[0.2, 0.3], ImageOrientationPatient=None)  # fmt: skip
    image = load_slice(path)
    assert image.spacing_mm == (0.2, 0.3) and image.pixels[0, 0] > 990 and image.pixels[-1, -1] < 10
    assert [doubt.check for doubt in image.doubts] == ["detector", "grey_alone"]


@pytest.mark.parametrize(("slope", "intercept"), [(2, None), (None, 100), (2, 100), (None, None)])
def test_a_slope_or_an_intercept_alone_counts(write_ct, slope, intercept):
    stored = np.arange(2000).reshape(40, 50)
    path = write_ct(
        Modality="PT", RescaleSlope=slope, RescaleIntercept=intercept, PixelData=stored.astype("<i2").tobytes()
    )
    image = load_slice(path, series=SeriesFiles([], parse_range("0,1000")))
    np.testing.assert_array_equal(image.pixels, stored * (slope or 1) + (intercept or 0))


def test_what_says_nothing_of_its_numbers_is_refused(write_ct):
    for changes, message in (
        ({"RescaleSlope": 0}, "RescaleSlope is 0.0"),
        ({"PixelData": bytes(4000)}, "all pixels are one number"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PhotometricInterpretation is PALETTE"),
    ):
        with pytest.raises(DataError, match=message):
            load_slice(write_ct(Modality="MR", **changes))
    sagittal = load_slice(write_ct(Modality="MR", ImageOrientationPatient=[0, 1, 0, 0, 0, -1]))
    assert "plane" in [doubt.check for doubt in sagittal.doubts]


@pytest.mark.parametrize("modality", ["MR", "CR", "PT", "US"])
@pytest.mark.parametrize("size", [8, 16, 32])
def test_numbers_lie_in_their_bits_as_the_header_says_whatever_the_modality(write_ct, modality, size):
    bits = size - 4
    # Negative numbers of so many bits, whose other bits are left out.
    stored = np.arange(2000).reshape(40, 50) % 101 - 50
    short = {"Modality": modality, "BitsAllocated": size, "BitsStored": bits, "HighBit": bits - 1}
    short |= {"RescaleIntercept": 0} if modality != "US" else {"RescaleIntercept": None, "RescaleSlope": None}
    if size == 8:
        stored //= 8
    pixels = (stored % (1 << bits)).astype(f"<u{size // 8}")
    image = load_slice(write_ct(**short, PixelData=pixels.tobytes()))
    np.testing.assert_array_equal(image.pixels, expected(stored, [stored]))
    # An overlay in the highest bit, which negative numbers do not explain.
    marked = pixels.copy()
    marked[3:9, 7:9] = 1 | 1 << size - 1
    for changes, message in (
        ({"PixelData": marked.tobytes()}, f"more bits than BitsStored = {bits} says"),
        ({"HighBit": size - 1}, f"HighBit is {size - 1}; it must be {bits - 1}, one less than BitsStored"),
        ({"BitsStored": size + 1, "HighBit": size}, f"BitsStored is {size + 1}; it must be 1 to {size}"),
        ({"BitsStored": 0, "HighBit": 0}, "BitsStored is 0; it must be 1 to"),
        ({"PixelRepresentation": 2}, "PixelRepresentation is 2; it must be 0, of numbers without a sign, or 1"),
        ({"BitsAllocated": 12}, "BitsAllocated is 12; it must be 8, 16 or 32"),
    ):
        with pytest.raises(DataError, match=message):
            load_slice(write_ct(**{**short, "PixelData": pixels.tobytes(), **changes}))


@pytest.mark.parametrize("emptied", ["", None])
def test_images_that_name_no_series_are_said_to_have_each_its_own_range(write_ct, tmp_path, emptied):
    write_series(write_ct, SeriesInstanceUID=emptied)
    rows = ["1.1.0,20,25,5,a", "1.1.1,18,25,5,b"]
    alone = (
        "2 images of no CT whose files name no series, whose grey values 0 and 1000 are percentiles of the image "
        "alone, so that brightness cannot be compared between them"
    )
    notes = []
    found = read(tmp_path, rows, note=notes.append)
    assert notes == [alone]
    # As the words say: the range of the image itself.
    (lesion,) = (one for one in found.lesions if one.label == 0)
    assert lesion.patch[tuple(map(round, lesion.center))] == expected(SERIES[0], SERIES[:1])[20, 25]
    notes.clear()
    read(tmp_path, rows, grey_range="1%,90%", note=notes.append)
    assert notes[1:] == [alone, "--grey_range=1%,90%"] and "are what --grey_range says" in notes[0]
    notes.clear()
    read(tmp_path, rows, grey_range="0,900", note=notes.append)
    assert notes[1:] == ["--grey_range=0,900"]


def test_a_build_of_two_modalities_is_refused_by_name(write_ct, tmp_path):
    write_series(write_ct)
    rows = ["1.1.0,20,25,5,a", "1.1.1,20,25,5,b"]
    notes = []
    found = read(tmp_path, rows, note=notes.append)
    assert (found.unit, found.value_range, found.window) == ("grey", (0.0, 1000.0), (0.0, 1000.0))
    assert "2 images of no CT, whose grey values" in notes[0]
    for modality, told in (("CT", "Hounsfield units of CT"), ("PT", "grey values from 0 to 1000 of PT")):
        write_ct("in/other", uid="1.9", Modality=modality, PatientID="other")
        with pytest.raises(DataError, match="one modality") as caught:
            read(tmp_path, [*rows, "1.9,20,25,5,a"])
        assert f"other holds {told}, but" in str(caught.value) and "from 0 to 1000 of MR" in str(caught.value)


@pytest.mark.parametrize("source", ["seg", "rtstruct"])
def test_outlines_on_mr_are_those_of_the_csv(series, tmp_path, source):
    slices = series(Modality="MR", RescaleSlope=None, RescaleIntercept=None)
    mask = np.zeros((5, 40, 50), bool)
    mask[1, 12:20, 22:31] = True
    if source == "seg":
        write_seg(tmp_path / "in/drawn", slices, {"x": mask})
    else:
        write_rtstruct(tmp_path / "in/drawn", slices, {"x": [(1, outline(mask[1]))]})
    (lesion,) = read_lesions(tmp_path / "in", source=source).lesions
    row, column = (np.mean(at) for at in np.nonzero(mask[1]))
    rows = [f"{slices[1].SOPInstanceUID},{row},{column},{lesion.diameter_mm!r},x"]
    (marked,) = read(tmp_path, rows).lesions
    np.testing.assert_array_equal(lesion.patch, marked.patch)
    assert lesion.center == marked.center


def enhanced(write, count=3, **changes):
    """An enhanced CT: frames of one file, whose rescale and spacing stand in functional groups."""
    frames = [np.full((40, 50), 10 * index + 7) + np.arange(50) for index in range(count)]
    groups = [
        item(
            PixelValueTransformationSequence=[item(RescaleSlope=index + 1, RescaleIntercept=-1000, RescaleType="HU")],
            CTImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])],
        )
        for index in range(count)
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.6, 0.7])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    path = write(
        "in/enhanced",
        **{
            "uid": "1.5",
            "NumberOfFrames": count,
            "PixelSpacing": None,
            "ImageOrientationPatient": None,
            "RescaleSlope": None,
            "RescaleIntercept": None,
            "PerFrameFunctionalGroupsSequence": Sequence(groups),
            "SharedFunctionalGroupsSequence": Sequence([shared]),
            "PixelData": np.stack(frames).astype("<i2").tobytes(),
            **changes,
        },
    )
    return path, frames


def test_each_frame_of_an_enhanced_ct_has_its_own_rescale(write_ct, tmp_path):
    path, frames = enhanced(write_ct)
    for index, stored in enumerate(frames):
        image = load_slice(path, frame=index + 1)
        np.testing.assert_array_equal(image.pixels, stored * (index + 1) - 1000)
        assert image.spacing_mm == (0.6, 0.7) and image.doubts == ()
    columns = "sop_instance_uid,frame,row,column,diameter_mm,label"
    found = read(tmp_path, ["1.5,1,20,25,5,a", "1.5,3,20,25,5,b"], columns, accept=["air", "range"])
    middle = {lesion.label: int(lesion.patch[tuple(round(at) for at in lesion.center)]) for lesion in found.lesions}
    assert middle == {0: frames[0][20, 25] - 1000, 1: 3 * frames[2][20, 25] - 1000}
    for row, message in (("1.5,4,20,25,5,a", "has 3 frames, and no frame 4"), ("1.5,1.5,20,25,5,a", "frame is '1.5'")):
        with pytest.raises(DataError, match=message):
            read(tmp_path, [row], columns)
    with pytest.raises(DataError, match="multi-frame object of 3 images; say in a column `frame`"):
        read(tmp_path, ["1.5,20,25,5,a"])


def test_frames_of_an_enhanced_mr_share_a_scale(write_ct):
    path, frames = enhanced(write_ct, Modality="MR")
    values = [stored * (index + 1) - 1000 for index, stored in enumerate(frames)]
    image = load_slice(path, frame=2, series=SeriesFiles([path]))
    alone = expected(values[1], values[1:2])
    np.testing.assert_array_equal(image.pixels, alone)
    data = pydicom.dcmread(path)
    data.SeriesInstanceUID = "2.5"
    data.save_as(path)
    image = load_slice(path, frame=2, series=SeriesFiles([path]))
    np.testing.assert_array_equal(image.pixels, expected(values[1], values))


def test_a_frame_that_says_nothing_of_its_rescale_does_not_take_another_ones(write_ct):
    said = item(PixelValueTransformationSequence=[item(RescaleSlope=10, RescaleIntercept=0)])
    groups = Sequence([said, item(), item()])
    path, (first, *others) = enhanced(
        write_ct, Modality="MR", SeriesInstanceUID="2.5", PerFrameFunctionalGroupsSequence=groups
    )
    values = [10 * first, *others]
    for frame in (1, 2):
        image = load_slice(path, frame=frame, series=SeriesFiles([path]))
        np.testing.assert_array_equal(image.pixels, expected(values[frame - 1], values))


def test_the_user_gives_the_range_in_numbers_or_percentiles(write_ct, tmp_path):
    write_series(write_ct)
    rows, notes = ["1.1.0,20,25,5,a", "1.1.1,18,25,5,b"], []
    read(tmp_path, rows, grey_range="-100,300", note=notes.append)
    assert notes[-1] == "--grey_range=-100,300" and "2 images of no CT, whose grey values 0 and 1000 are" in notes[0]
    series = SeriesFiles(sorted((tmp_path / "in").iterdir()), parse_range(" 10 % , 90%"))
    image = load_slice(tmp_path / "in/s0", series=series)
    low, high = np.percentile(np.stack(SERIES)[:, ::2, ::2], [10, 90])
    np.testing.assert_array_equal(image.pixels, np.rint((SERIES[0] - low) * 1000 / (high - low)))
    fixed = load_slice(tmp_path / "in/s0", series=SeriesFiles([], parse_range("-100,300")))
    np.testing.assert_array_equal(fixed.pixels, np.rint((SERIES[0] + 100) * 2.5))
    write_ct("in/other", uid="1.9")
    with pytest.raises(DataError, match=r"--grey_range is for other images than CT, but .*other is CT"):
        read(tmp_path, ["1.9,20,25,5,a"], grey_range="0,1")


@pytest.mark.parametrize("text", ["5", "5,1", "1%,99", "-1%,50%", "0%,101%", "nan,1", "0,1e999", "a,b", "0,1,2", "1,1"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(ConfigError, match="--grey_range is"):
        parse_range(text)
