"""From files to lesions. `SOURCES` holds what can be read; `cohort.read_lesions` reads it.

A source is one row here and one file that says which columns its csv has and yields its lesions, see `base.Source`.
"""

from lesion_jax.sources.base import Source
from lesion_jax.sources.deeplesion import DEEPLESION
from lesion_jax.sources.dicom import DICOM
from lesion_jax.sources.image_folder import IMAGES
from lesion_jax.sources.nifti import NIFTI
from lesion_jax.sources.npz import NPZ
from lesion_jax.sources.png import PNG
from lesion_jax.sources.rtstruct import RTSTRUCT
from lesion_jax.sources.seg import SEG

SOURCES: dict[str, Source] = {
    "dicom": DICOM,
    "png": PNG,
    "deeplesion": DEEPLESION,
    "images": IMAGES,
    "npz": NPZ,
    "nifti": NIFTI,
    "seg": SEG,
    "rtstruct": RTSTRUCT,
}
