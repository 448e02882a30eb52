"""Of which real lesions synthetic images are made, for generators that put real ones together."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lesion_jax.core.types import Lesion


@dataclasses.dataclass(frozen=True)
class Origins:
    """Of which real lesions each of N images is made.

    Attributes:
      lesions: Per image the ids of the lesions that stand in it, at least one.
      tissue: Per image the id of the lesion in whose surroundings they stand.
      patients: Salted hash of the patient of every lesion that is named above, by lesion id.
    """

    lesions: tuple[tuple[str, ...], ...]
    tissue: tuple[str, ...]
    patients: Mapping[str, str]

    @classmethod
    def of(cls, lesions: Sequence[Sequence[Lesion]], tissue: Sequence[Lesion]) -> "Origins":
        """Those of N images: the lesions in each, and the one whose surroundings it shows."""
        named = [*(lesion for some in lesions for lesion in some), *tissue]
        return cls(
            tuple(tuple(lesion.lesion_id for lesion in some) for some in lesions),
            tuple(lesion.lesion_id for lesion in tissue),
            {lesion.lesion_id: lesion.patient for lesion in named},
        )

    @classmethod
    def joined(cls, parts: Iterable["Origins"]) -> "Origins":
        """Those of several drawings, one after another."""
        parts = list(parts)
        return cls(
            tuple(some for part in parts for some in part.lesions),
            tuple(one for part in parts for one in part.tissue),
            {lesion: patient for part in parts for lesion, patient in part.patients.items()},
        )

    @classmethod
    def from_json(cls, text: str) -> "Origins":
        """What `to_json` wrote."""
        held = json.loads(text)
        return cls(tuple(map(tuple, held["lesions"])), tuple(held["tissue"]), held["patients"])

    def __getitem__(self, index: np.ndarray) -> "Origins":
        """Those of the images at `index`, int [M]."""
        lesions, tissue = (tuple(all_of[i] for i in index.tolist()) for all_of in (self.lesions, self.tissue))
        named = {*tissue, *(one for some in lesions for one in some)}
        return Origins(lesions, tissue, {name: patient for name, patient in self.patients.items() if name in named})

    def to_json(self) -> str:
        """As a file holds them; the same origins give the same text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True) + "\n"

    def __len__(self) -> int:
        """N."""
        return len(self.tissue)
