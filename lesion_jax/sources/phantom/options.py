"""What a phantom cohort is drawn with, and the record of it that a dataset keeps."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.config.fields import check_ranges, host
from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import ConfigError, DataError

RECORD = "phantom.json"


@dataclasses.dataclass(frozen=True)
class Scanner:
    """How the phantom's images are taken, relative to its default scanners."""

    dose: float = host(
        1.0,
        low=0.05,
        high=20.0,
        doc="Radiation dose; the noise's standard deviation goes as its inverse root.",
    )
    kernel: float = host(
        1.0,
        low=0.5,
        high=2.0,
        doc="Sharpness of the reconstruction: multiplies the noise's cut-off frequency and divides the point spread.",
    )
    spacing: float = host(1.0, low=0.75, high=2.0, doc="Multiplies the side of a pixel.")
    offset_hu: float = host(0.0, low=-100.0, high=100.0, doc="Error of the calibration, the same for all patients, HU.")
    offset_spread_hu: float = host(
        0.0, low=0.0, high=100.0, doc="Half-width of a uniform error that differs from patient to patient, HU."
    )

    def __post_init__(self):
        """Refuses what is out of range with a ConfigError."""
        check_ranges(self, "scanner.")

    def draw_offset(self, draw: np.random.Generator) -> float:
        """Error of the calibration for one patient, HU."""
        return self.offset_hu + float(draw.uniform(-self.offset_spread_hu, self.offset_spread_hu))

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
    overlap: float = host(
        1.0,
        low=0.0,
        high=2.0,
        doc="How often metastases and hemangiomas look like each other; multiplies the shares of hypervascular "
        "metastases and of late hemangiomas.",
    )
    mark_error: float = host(
        0.0,
        low=0.0,
        high=0.5,
        doc="How far marks may err: that of the centre by this share of the diameter, evenly in a disc, and that of "
        "the diameter by this share, up or down.",
    )

    def __post_init__(self):
        """Refuses what is out of range with a ConfigError."""
        check_ranges(self)

    def mark(
        self, draw: np.random.Generator, center: tuple[float, float], diameter: float
    ) -> tuple[tuple[float, float], float]:
        """(centre, diameter) as somebody marks them, in the units given."""
        turn, away = draw.uniform(0, 2 * np.pi), np.sqrt(draw.uniform()) * self.mark_error * diameter
        marked = diameter * (1 + draw.uniform(-self.mark_error, self.mark_error))
        return (center[0] + float(away * np.cos(turn)), center[1] + float(away * np.sin(turn))), float(marked)

    def record(self, **facts: Any) -> dict[str, Any]:
        """What a dataset keeps, as JSON: these options, and whatever else is to be known, such as the seed."""
        return {**dataclasses.asdict(self), **facts}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Phantom":
        """The options that a dataset's record holds (`LesionSet.phantom`).

        Raises:
          ConfigError: They are not those that this version knows.
        """
        try:
            own: dict[str, Any] = {field.name: record[field.name] for field in dataclasses.fields(cls)}
            own["scanner"] = Scanner(**own["scanner"])
            return cls(**own)
        except (KeyError, TypeError) as error:
            raise ConfigError(
                f"the dataset's record of its phantom cannot be read ({error}); make it again with lesion-jax phantom."
            ) from error

    @classmethod
    def all_of_record(cls, record: Mapping[str, Any]) -> list["Phantom"]:
        """The same, one for each scanner that took images of the training patients: one, or two.

        Raises:
          ConfigError: As `of_record`.
        """
        first = cls.of_record(record)
        if "test_scanner_shares" not in record:
            return [first]
        return [first, cls.of_record({**record, "scanner": record["test_scanner"]})]


DEFAULT_PHANTOM = Phantom()


def generator_of(seed: int, stream: str, index: int = 0) -> np.random.Generator:
    """The random numbers of a patient, or of a cohort: a function of the seed, a name and a number."""
    return np.random.default_rng([seed, *stream.encode(), index])


def write_record(record: Mapping[str, Any], folder: Path) -> None:
    """Writes the record beside the files of a cohort, for `lesion-jax build`."""
    write_json(folder / RECORD, record)


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record beside the files of a cohort; None where there is none, so that they are images of patients.

    Raises:
      DataError: It is there and cannot be read.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        Phantom.of_record(record)
        return record
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, ConfigError) as error:
        raise DataError(
            f"{folder / RECORD} is not the record of a phantom ({error}); restore it, or remove it if the images are "
            "of patients."
        ) from error
