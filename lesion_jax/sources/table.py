"""What can be read: one row here, and one file that yields its lesions, for each source.

Apart from the package, so that whoever draws the phantom or cuts a patch need not wait for every reader's libraries.
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
