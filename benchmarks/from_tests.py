"""What tests make that benchmarks need too: `tests` is no part of the installed package."""

import sys

from machine import ROOT

sys.path.append(str(ROOT))

from tests.metrics import drawn
from tests.sources import jpeg_lossless
from tests.sources.conftest import make_ct
from tests.sources.seg_writer import item, outline, write_rtstruct, write_seg

__all__ = ["drawn", "item", "jpeg_lossless", "make_ct", "outline", "write_rtstruct", "write_seg"]
