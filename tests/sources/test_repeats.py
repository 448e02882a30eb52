"""A lesion that is marked twice counts twice: it is asked about, whatever names its image."""

import numpy as np
import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions


@pytest.fixture
def read(tmp_path, write_ct):
    write_ct("in/a", uid="1.1")
    # Exported again, under another name.
    write_ct("in/b", uid="1.2")
    write_ct("in/c", uid="1.3", pixels=np.random.default_rng(0).integers(0, 100, (40, 50)).astype(np.int16))

    def read_rows(*rows, **options):
        path = tmp_path / "rows.csv"
        path.write_text("\n".join(["sop_instance_uid,row,column,diameter_mm,label", *rows]))
        return read_lesions(tmp_path / "in", path, **options)

    return read_rows


@pytest.mark.parametrize(
    ("row", "is_same"),
    [
        ("1.2,10,20,8,x", True),
        # 2 mm of 8 mm away, rows being 0.5 mm high.
        ("1.1,13.9,20,8,x", True),
        ("1.1,14.1,20,8,x", False),
        ("1.1,10,22.4,8,x", True),
        ("1.1,10,22.6,8,x", False),
        ("1.2,12,21,4.1,x", False),
        ("1.2,11,20,4.1,x", True),
        ("1.2,11,20,3.9,x", False),
        ("1.1,11,20,8,y", False),
        ("1.3,10,20,8,x", False),
    ],
)
def test_centre_and_size_tell(read, row, is_same):
    rows = ["1.1,10,20,8,x", row]
    if is_same:
        # Two images of the same pixels may be of two people whom the header gives one name.
        rest = (
            r"the same image .*remove one \("
            if row.startswith("1.1,")
            else r"very same pixels .*remove one, or.*`patient` \("
        )
        with pytest.raises(DataError, match=rf"line 3 is where .*line 2 is, in .*{rest}--accept=twice"):
            read(*rows)
    notes = []
    assert len(read(*rows, accept=["twice"], note=notes.append).lesions) == 2
    assert notes == ["1 lesions that seem to be marked twice, accepted by --accept=twice"] * is_same
