"""What a phantom cohort is drawn with, and the record of it that a dataset keeps."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scanner:
    """How the phantom's images are taken, relative to the default scanners.

    Attributes:
      dose: Radiation dose; the noise's standard deviation goes with its inverse square root.
      kernel: Sharpness of the reconstruction: multiplies the noise's cut-off frequency, divides the point spread.
      spacing: Multiplies the side of a pixel.
      offset_hu: Error of the calibration, the same for all patients, HU.
      offset_spread_hu: Half-width of a uniform error that differs from patient to patient, HU.
    """

    dose: float = 1.0
    kernel: float = 1.0
    spacing: float = 1.0
    offset_hu: float = 0.0
    offset_spread_hu: float = 0.0

    @property
    def noise(self) -> float:
        """What the noise's standard deviation is multiplied by."""
        return self.dose**-0.5


DEFAULT_SCANNER = Scanner()


@dataclasses.dataclass(frozen=True)
class Phantom:
    """What patients are drawn with, apart from a seed.

    Attributes:
      scanner: How the images are taken.
    """

    scanner: Scanner = DEFAULT_SCANNER


DEFAULT_PHANTOM = Phantom()
