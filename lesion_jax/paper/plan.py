"""What the protocol would cost, before it runs."""

from collections.abc import Callable
from pathlib import Path

from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import ConfigError
from lesion_jax.paper import stages
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.layout import Trainings
from lesion_jax.sweep.plan import Plan, plan_stages


def make_paper_plan(
    config: PaperConfig,
    *,
    topology: str | None = None,
    cohort: Cohort | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Plans every stage of the protocol.

    The sizes that it chooses by the scores of an earlier stage are taken at their largest: no more steps are needed.

    Args:
      config: Settings of the protocol.
      topology: TPUs to plan for, as for `sweep.plan.make_plan`.
      cohort: Content of the dataset; None loads it.
      tell: Called with what is being done.

    Raises:
      ConfigError: There is no dataset yet; bad settings; one training does not fit a device.
    """
    if cohort is None and not config.dataset:
        raise ConfigError(
            "dataset is empty, and a plan counts its lesions; make the phantom with lesion-jax phantom, build it with "
            "lesion-jax build, and name it with --config.dataset."
        )
    dataset = Path(config.dataset).expanduser()
    cohort = cohort or Cohort.load(dataset)
    trainings = Trainings(config, Path("."), dataset, cohort.lesions.class_names, cohort.partition().num_folds)
    num_devices = next(iter(config.models.values())).num_devices
    configs = [[training for _, training in stage] for stage in stages.largest(trainings)]
    note = "; of sizes that are chosen along the way the largest is counted"
    return plan_stages(configs, cohort, num_devices, topology, tell, note=note)
