"""Writes and reads the TFDS dataset. Imports TensorFlow, which takes seconds: import it late.

`lesion-jax build` makes dataset and folds. TFDS's own command line, which takes `pip install apache-beam
mlcroissant` to start at all, makes the dataset alone:

tfds build lesions --imports lesion_jax.data.tfds_builder --data_dir OUT \
  --config '{"name": "cohort", "input_dir": "STUDIES", "annotations": "STUDIES/lesions.csv"}'
"""

import contextlib
import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from absl import logging
from google.protobuf.json_format import ParseError

from lesion_jax.core.types import UNITS, Lesion, LesionSet
from lesion_jax.data.tensorflow import hide_accelerators, tf
from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import AUTO, read_lesions

# After TensorFlow has been told to be quiet.
# isort: split
import tensorflow_datasets as tfds

DATASET_VERSION = "1.0.0"
SPLIT = "lesions"


@dataclasses.dataclass(eq=False)
class CohortConfig(tfds.core.BuilderConfig):
    """What the dataset is made of.

    Attributes:
      input_dir: Images as the source reads them: a tree of files, a folder.
      annotations: The csv of marks; "" for a source that takes none.
      class_names: Names separated by commas, in order; "" takes the order of `sources.classes`.
      source: Key of `SOURCES`; "auto" takes the one whose columns the csv has.
      kept_columns: Columns of the csv that are kept as tags, separated by commas.
    """

    input_dir: str = ""
    annotations: str = ""
    class_names: str = ""
    source: str = AUTO
    kept_columns: str = ""


class _Info(tfds.core.DatasetInfo):
    """Facts that stand in the code alone: Google's bucket, where TFDS would look for more, does not know the dataset.

    It would not find any, and leave an empty folder in the temporary one each time.
    """

    def initialize_from_bucket(self) -> None:
        """Leaves them as they are."""


class Lesions(tfds.core.GeneratorBasedBuilder):
    """One example per lesion, in the order of their ids; one split, since the folds lie beside the dataset."""

    VERSION = tfds.core.Version(DATASET_VERSION)
    RELEASE_NOTES = {DATASET_VERSION: "First version."}
    # TFDS takes a --config only where there is one already, and of another name.
    BUILDER_CONFIGS = [CohortConfig(name="unset", description="Stands for the --config that must be given.")]
    builder_config_cls = CohortConfig

    def __init__(self, *, lesions: LesionSet | None = None, **kwargs: Any):
        """Takes what TFDS gives; `lesions` spares reading the sources again, None reads those of the config."""
        self._lesions = lesions
        super().__init__(**kwargs)

    def _read(self) -> LesionSet:
        if self._lesions is None:
            config = self.builder_config
            assert isinstance(config, CohortConfig)
            if not config.input_dir:
                raise DataError("The config must name input_dir; see lesion_jax.data.tfds_builder.")
            names = config.class_names.split(",") if config.class_names else None
            annotations = Path(config.annotations) if config.annotations else None
            tags = config.kept_columns.split(",") if config.kept_columns else ()
            self._lesions = read_lesions(Path(config.input_dir), annotations, names, source=config.source, tags=tags)
        return self._lesions

    def _info(self) -> tfds.core.DatasetInfo:
        features, lesions = tfds.features, self._read()
        return _Info(
            builder=self,
            description=(
                f"Lesions in {UNITS[lesions.unit].title} at native resolution, with context for classic augmentation."
            ),
            metadata=tfds.core.MetadataDict(
                unit=lesions.unit, value_range=lesions.value_range, phantom=lesions.phantom
            ),
            features=features.FeaturesDict(
                {
                    "lesion_id": features.Text(doc="Salted hash."),
                    "patient": features.Text(doc="Salted hash."),
                    "label": features.ClassLabel(names=list(lesions.class_names)),
                    "diameter_mm": features.Scalar(np.float32, doc="Lesion diameter, mm."),
                    "spacing_mm": features.Tensor(shape=(2,), dtype=np.float32, doc="Row, column; mm per pixel."),
                    "center": features.Tensor(shape=(2,), dtype=np.float32, doc="Row, column; pixels of the patch."),
                    # As plain integers every negative value would take ten bytes.
                    "patch": features.Tensor(
                        shape=(None, None), dtype=np.int16, encoding="zlib", doc=f"{UNITS[lesions.unit].title}."
                    ),
                    "tags": features.Text(doc="JSON: columns of the csv that were kept."),
                }
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        del dl_manager
        return {SPLIT: self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, lesion in enumerate(self._read().lesions):
            yield index, {**dataclasses.asdict(lesion), "tags": json.dumps(lesion.tags, sort_keys=True)}


def write_dataset(lesions: LesionSet, directory: Path) -> None:
    """Writes the dataset below a directory, by the builder that `tfds build` runs.

    Args:
      lesions: Lesions from `read_lesions`.
      directory: TFDS's data_dir.

    Raises:
      OSError: The disk does not take it.
    """
    hide_accelerators()
    try:
        with _quiet():
            builder = Lesions(
                lesions=lesions,
                data_dir=str(directory),
                config=CohortConfig(name="cohort"),
                file_format=tfds.core.FileFormat.TFRECORD,
            )
            builder.download_and_prepare()
    except (tf.errors.OpError, RuntimeError) as error:
        # TFDS wraps what TensorFlow says of the disk.
        causes = [error, error.__cause__, error.__context__]
        told = next((cause for cause in causes if isinstance(cause, tf.errors.OpError)), None)
        if told is None:
            raise
        reason = str(told.message).rpartition(";")[2].strip()
        raise OSError(reason) from error
    # There is nothing to download, but TFDS makes the place.
    shutil.rmtree(directory / "downloads", ignore_errors=True)


def read_dataset(directory: Path) -> LesionSet | None:
    """Reads what `write_dataset` or `tfds build` wrote.

    Args:
      directory: TFDS's data_dir.

    Returns:
      The lesions; None where there is no dataset.

    Raises:
      DataError: The dataset is damaged, or there are several.
    """
    places = sorted(path.parent for path in directory.glob(f"{Lesions.name}/*/{DATASET_VERSION}/dataset_info.json"))
    if not places:
        return None
    if len(places) > 1:
        raise DataError(f"{directory} holds {len(places)} datasets; name a folder with one.")
    hide_accelerators()
    try:
        with _quiet():
            builder = tfds.builder_from_directory(str(places[0]))
            # TFDS's annotations know neither its features nor what its decorators take.
            features: Any = builder.info.features
            class_names = tuple(features["label"].names)
            examples: Any = tfds.as_numpy(cast(Any, builder).as_dataset(split=SPLIT))
            lesions = [_make_lesion(example) for example in examples]
            num_lesions = builder.info.splits[SPLIT].num_examples
            metadata: Any = builder.info.metadata
            found = LesionSet.of(lesions, class_names, metadata["unit"], metadata["value_range"], metadata["phantom"])
    except (tf.errors.OpError, ParseError, OSError, ValueError, KeyError, TypeError) as error:
        # TensorFlow's own names say nothing to who reads this.
        text = " ".join(re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error), flags=re.DOTALL).split())
        raise DataError(f"The dataset in {places[0]} is damaged ({text}); run `lesion-jax build` again.") from error
    if len(lesions) != num_lesions:
        raise DataError(f"The dataset in {places[0]} has lost lesions; run `lesion-jax build` again.")
    return found


def _make_lesion(example: Any) -> Lesion:
    spacing, center = example["spacing_mm"].tolist(), example["center"].tolist()
    return Lesion(
        lesion_id=example["lesion_id"].decode(),
        patient=example["patient"].decode(),
        label=int(example["label"]),
        diameter_mm=float(example["diameter_mm"]),
        spacing_mm=(spacing[0], spacing[1]),
        center=(center[0], center[1]),
        patch=example["patch"],
        tags=json.loads(example["tags"]),
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # TFDS prints about downloads, draws bars over what is over in a moment and warns about itself.
    tfds.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(None):
            yield
    finally:
        logging.set_verbosity(verbosity)
