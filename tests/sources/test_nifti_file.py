"""NIfTI files of every orientation, and what is no volume of axial slices."""

import gzip
import itertools
import math
import struct

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension

from lesion_jax.errors import DataError
from lesion_jax.sources.nifti_file import check_same_grid, load_labels, load_volume

# Voxels along left, back and head; 0.7 x 0.9 x 2.5 mm; no two are alike.
SHAPE = (5, 6, 4)
VALUES = np.arange(120, dtype=np.int16).reshape(SHAPE)
# From such indices to RAS+ mm: left and back run against right and front.
AFFINE = np.array([[-0.7, 0, 0, 30.0], [0, -0.9, 0, 40.0], [0, 0, 2.5, -50.0], [0, 0, 0, 1]])


@pytest.fixture
def save(tmp_path):
    def write(values=VALUES, affine=AFFINE, name="volume.nii.gz", **header):
        image = nibabel.Nifti1Image(values, affine)
        image.header.set_xyzt_units("mm")
        for field, value in header.items():
            image.header[field] = value
        nibabel.save(image, tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_every_orientation_gives_the_same_slices(save, order):
    for signs in itertools.product((1, -1), repeat=3):
        # Index i of the file is index to_lps @ i of VALUES.
        to_lps = np.zeros((4, 4))
        to_lps[3, 3] = 1
        for axis, (lps, sign) in enumerate(zip(order, signs, strict=True)):
            to_lps[lps, axis] = sign
            to_lps[lps, 3] = 0 if sign == 1 else SHAPE[lps] - 1
        stored = VALUES.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
        volume = load_volume(save(stored, AFFINE @ to_lps, name="volume.nii"))
        assert volume.grid.spacing_mm == (pytest.approx(0.9), pytest.approx(0.7)) and volume.grid.says_orientation
        for index in range(4):
            # Row is towards the back, column towards the left.
            np.testing.assert_array_equal(volume.slice(index), VALUES[:, :, index].T)
        np.testing.assert_allclose(volume.grid.affine @ [3, 2, 1, 1], AFFINE @ [1, 2, 3, 1], atol=1e-4)


def test_scale_units_versions_and_byte_orders(save, tmp_path):
    path = save(scl_slope=0.5, scl_inter=-100)
    assert load_volume(path).slice(2)[3, 1] == VALUES[1, 3, 2] * 0.5 - 100
    # A slope of 0 means none.
    assert load_volume(save(scl_slope=0.0, scl_inter=7)).slice(0)[1, 1] == VALUES[1, 1, 0]
    # Micrometres, space's code 3.
    assert load_volume(path).grid.spacing_mm == (0.9, 0.7)
    large = load_volume(save(affine=AFFINE * 1000, xyzt_units=3))
    assert large.grid.spacing_mm == (pytest.approx(0.9), pytest.approx(0.7))
    nibabel.save(nibabel.Nifti2Image(VALUES[..., None].astype(np.float64), AFFINE), tmp_path / "second.nii")
    np.testing.assert_array_equal(load_volume(tmp_path / "second.nii").slice(1), VALUES[:, :, 1].T)
    header = nibabel.Nifti1Header(endianness=">")
    big = nibabel.Nifti1Image(VALUES.astype(">i2"), AFFINE, header)
    nibabel.save(big, tmp_path / "big.nii")
    np.testing.assert_array_equal(load_volume(tmp_path / "big.nii").slice(1), VALUES[:, :, 1].T)


def test_a_gantry_tilt_is_axial_and_more_is_not(save):
    def turned(degrees):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]]) @ AFFINE

    assert load_volume(save(affine=turned(20))).grid.spacing_mm == (pytest.approx(0.9), pytest.approx(0.7))
    with pytest.raises(DataError, match="no axial slices: .* 0.9 x 0.7 mm and are tilted by 40 degrees"):
        load_volume(save(affine=turned(40)))
    with pytest.raises(DataError, match="no axial slices: .* 0.9 x 5 mm and are tilted by 0 degrees"):
        load_volume(save(affine=np.diag([5, 0.9, 0.9, 1])))


def test_a_header_without_orientation_or_with_two_says_so(save, tmp_path):
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nibabel.save(image, tmp_path / "none.nii")
    assert not load_volume(tmp_path / "none.nii").grid.says_orientation
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([0.7, 0.9, 2.5, 1]), 1)
    nibabel.save(image, tmp_path / "two.nii")
    assert not load_volume(tmp_path / "two.nii").grid.says_orientation


def test_what_is_no_volume_is_refused_by_name(save, tmp_path):
    for values, message in (
        (np.stack([VALUES] * 3, -1), r"4 dimensions \(5 x 6 x 4 x 3\)"),
        (VALUES[..., 0], "2 dimensions"),
        (VALUES.astype(np.complex64), "voxels of type complex64"),
    ):
        with pytest.raises(DataError, match=rf"volume.nii.gz has .*{message}"):
            load_volume(save(values))
    flat = save(name="flat.nii")
    # The affine's second row.
    flat.write_bytes(flat.read_bytes()[:296] + bytes(16) + flat.read_bytes()[312:])
    with pytest.raises(DataError, match="flat.nii has voxels of 0.7 x 0 x 2.5 mm by its affine"):
        load_volume(flat)
    folded = AFFINE.copy()
    folded[0, 1] = 9.0
    with pytest.raises(DataError, match="its affine's axes lie in one plane"):
        load_volume(save(affine=folded))
    with pytest.raises(DataError, match="has voxels of 0.0007 x 0.0009 x 0.0025 mm"):
        load_volume(save(affine=AFFINE / 1000))
    with pytest.raises(DataError, match="gone.nii cannot be read: No such file"):
        load_volume(tmp_path / "gone.nii")
    for text in (b"", b"no volume", b"\x5c\x01" + bytes(400)):
        (tmp_path / "text.nii").write_bytes(text)
        with pytest.raises(DataError, match="text.nii is no"):
            load_volume(tmp_path / "text.nii")


def test_damage_is_named(save, tmp_path):
    whole = save().read_bytes()
    path = tmp_path / "damaged.nii.gz"

    def told(data):
        path.write_bytes(data)
        with pytest.raises(DataError, match="damaged.nii.gz is") as caught:
            load_volume(path)
        return str(caught.value)

    assert "is damaged (Compressed file ended" in told(whole[:-20])
    # Only the checksum knows.
    assert "is damaged (CRC check failed" in told(whole[:-8] + bytes(4) + whole[-4:])
    plain = gzip.decompress(whole)
    assert "is cut short: 140 of 240 bytes" in told(plain[:-100])
    # 60,000 x 60,000 x 4 voxels, which are not there.
    claim = bytearray(plain)
    claim[42:46] = np.array([60000 - 65536] * 2, "<i2").tobytes()
    path.write_bytes(bytes(claim))
    with pytest.raises(DataError):
        load_volume(path)
    claim[42:46] = np.array([30000] * 2, "<i2").tobytes()
    path.write_bytes(bytes(claim))
    with pytest.raises(DataError, match="30000 x 30000 x 4 voxels in 6866 MiB, more than 1024"):
        load_volume(path)


def test_voxels_begin_where_the_header_says_or_it_is_refused(save, tmp_path):
    def with_offset(content, offset):
        path = tmp_path / "moved.nii"
        at, form = (168, "<q") if content[:4] == struct.pack("<i", 540) else (108, "<f")
        path.write_bytes(content[:at] + struct.pack(form, offset) + content[at + struct.calcsize(form) :])
        return path

    plain = save(name="volume.nii").read_bytes()
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.header.extensions.append(Nifti1Extension(6, b"a comment"))
    nibabel.save(image, tmp_path / "commented.nii")
    commented = (tmp_path / "commented.nii").read_bytes()
    nibabel.save(nibabel.Nifti2Image(VALUES, AFFINE), tmp_path / "second.nii")
    second = (tmp_path / "second.nii").read_bytes()
    for content, offset in ((plain, 352), (commented, 384), (second, 544)):
        np.testing.assert_array_equal(load_volume(with_offset(content, offset)).slice(2), VALUES[:, :, 2].T)
    for content, offsets, message in (
        (plain, (0, 100, 348, 351, 352.5, -16, math.nan, math.inf), "vox_offset is .*; voxels begin at 352 or"),
        (second, (0, 352, 540, -5), "vox_offset is .*; voxels begin at 544 or"),
        (plain, (368, 1e6, 1e30), "is cut short"),
        (second, (1 << 62,), "is cut short"),
        # In the comment.
        (commented, (352, 368), "has (16|32) bytes after the voxels that its header describes"),
        (plain + bytes(16), (352,), "has 16 bytes after the voxels"),
        # One slice fewer, one byte a voxel.
        (plain[:46] + struct.pack("<h", 3) + plain[48:], (352,), "has 60 bytes after the voxels"),
        (plain[:70] + struct.pack("<hh", 2, 8) + plain[74:], (352,), "has 120 bytes after the voxels"),
    ):
        for offset in offsets:
            with pytest.raises(DataError, match=f"moved.nii:? {message}"):
                load_volume(with_offset(content, offset))


def test_labels_are_whole_numbers(save):
    assert load_labels(save((VALUES % 3).astype(np.float32)))[1].max() == 2
    # A float32 slope gives 0.99999998.
    np.testing.assert_array_equal(load_labels(save(VALUES * 3, scl_slope=1 / 3, scl_inter=0))[1][1], VALUES[:, :, 1].T)
    for values, message in (
        (VALUES * 0.5, "values between whole numbers"),
        (np.where(VALUES == 7, np.nan, 0.0), "values between whole numbers"),
        (np.where(VALUES == 7, np.inf, 0.0), "values between whole numbers"),
        (VALUES - 1, "its values go from -1 to"),
        (VALUES * 1000.0, "to 116000; write labels from 0 to 65535"),
    ):
        with pytest.raises(DataError, match=f"is no mask: .*{message}"):
            load_labels(save(values))


def test_a_mask_lies_on_its_volume(save):
    image = load_volume(save()).grid
    # Stored from right to left: the same place.
    flipped = AFFINE @ np.array([[-1, 0, 0, 4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    check_same_grid(load_volume(save(VALUES[::-1], flipped)).grid, image)
    with pytest.raises(DataError, match=r"has 3 x 6 x 5 voxels .* has 4 x 6 x 5"):
        check_same_grid(load_volume(save(VALUES[..., :3])).grid, image)
    moved = AFFINE.copy()
    moved[2, 3] += 2.5
    with pytest.raises(DataError, match=r"lies up to 2.5 mm away"):
        check_same_grid(load_volume(save(affine=moved)).grid, image)
