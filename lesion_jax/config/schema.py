"""Every setting, typed, with its default. Defaults are the paper's; where the paper is silent, the comment says so."""

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which images a run sees.

    Attributes:
      dataset: Directory written by `lesion-jax build`.
      fold: Test fold; the run trains on the other folds.
      hold_out_inner: Keep the inner validation patients out of training, to choose
        checkpoints and sizes on. False trains on all of the training folds, as the paper did.
      label: Name of the only class to train on; empty for all of them.
      image_size: Side of the square image, pixels.
      window: Lowest and highest HU that the networks can tell apart. The paper is silent:
        the usual abdominal window, level 40, width 400.
      margin: Tissue around the lesion on each side, as a share of its diameter. The paper
        is silent about the value.
      classic_size: Classic augmentation: images per fold, as the paper counts them (two
        training folds give twice as many); 0 for the originals alone.
      augmentation_seed: Seed of the classic augmentation.
      banks: Synthetic banks to mix in.
      synthetic_size: Synthetic images per class and fold, as the paper counts them; 0 for none. Held-out inner
        patients take their share of the real images with them, not of the synthetic ones.
      synthetic_share: Share of a batch that is synthetic; 0 means in proportion to the sizes.
      batch_size: Global batch: real images of a GAN, all images of a classifier.
      feed: How batches reach the devices: 'stream' sends each by tf.data, 'resident' lets all images lie on every
        device that trains and sends their numbers, 'auto' the latter where a quarter of its memory holds them. The
        batches are the same. Sweeps and the paper take 'auto', and it means 'resident'.
    """

    dataset: str = ""
    fold: int = 0
    hold_out_inner: bool = True
    label: str = ""
    image_size: int = 64
    window: tuple[float, float] = (-160.0, 240.0)
    margin: float = 0.25
    classic_size: int = 5000
    augmentation_seed: int = 0
    banks: tuple[str, ...] = ()
    synthetic_size: int = 0
    synthetic_share: float = 0.0
    batch_size: int = 64
    feed: Literal["auto", "stream", "resident"] = "auto"


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """How long, and how often; durations read '2000 steps', '5 epochs' or '10%'.

    Attributes:
      duration: Length of the training.
      log_every: Metrics to metrics.jsonl and TensorBoard.
      evaluate_every: Scores on the inner validation images, and the choice of the best checkpoint.
      checkpoint_every: Saves of the last checkpoint.
      pictures_every: Sample grids of a GAN; '0 steps' for none.
    """

    duration: str = "150 epochs"
    log_every: str = "50 steps"
    evaluate_every: str = "10%"
    checkpoint_every: str = "10%"
    pictures_every: str = "10%"


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """Training of the paper's CNN (section on the classifier).

    Attributes:
      kind: Always 'classifier'.
      seed: Of weights, batches and dropout.
      num_devices: Data-parallel replicas, which share the batch evenly; 0 for every device. However many, the result
        is one device's up to rounding.
      width: Filters of the first convolution; 32 in the paper.
      dtype: Of the computation; parameters, statistics and loss are float32 in any case.
      learning_rate: Of SGD.
      momentum: Nesterov; the paper names no value.
      data: Images.
      loop: Durations.
    """

    kind: Literal["classifier"] = "classifier"
    seed: int = 0
    num_devices: int = 0
    width: int = 32
    dtype: Literal["float32", "bfloat16"] = "float32"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    data: DataConfig = DataConfig()
    loop: LoopConfig = LoopConfig()


@dataclasses.dataclass(frozen=True)
class GanConfig:
    """Training of a DCGAN (one class) or an ACGAN (all classes).

    Attributes:
      kind: 'dcgan' or 'acgan'.
      seed: Of weights, batches and latents.
      num_devices: Data-parallel replicas, which share the batch evenly; 0 for every device. See `batch_norm`.
      batch_norm: Whose statistics normalise a batch that devices share. 'synchronised': those of the whole batch, as
        in the paper; however many devices there are, the result is one device's up to rounding. It costs two small
        all-reduces per batch norm and pass, one forward and one backward: 22 in a DCGAN's step in place of one.
        'replica': those of each device's share, without that cost; running statistics are the mean over devices,
        and the result depends on num_devices.
      width: W of generator widths 8W, 4W, 2W, W; 128 in the paper (1024 .. 128).
      discriminator_width: W of discriminator widths W .. 8W. The paper is silent: 64.
      latent_size: Length of z ~ U[-1, 1].
      embedding_size: ACGAN only: length of the class embedding that is joined to z. The paper is silent.
      dtype: Of the computation; parameters, statistics and loss are float32 in any case.
      loss: Form of the adversarial loss. The paper names the non-saturating one for the DCGAN and writes the
        ACGAN's as a minimax game (section on the ACGAN); we take the non-saturating one for both.
      label_smoothing: One-sided; only for the two cross-entropy losses.
      class_weight: ACGAN only: weight of the class loss.
      learning_rate: Of Adam.
      beta1: Of Adam.
      beta2: Of Adam.
      ema_decay: Of the generator's moving average; 0 for none, as in the paper.
      generator_every: Update the generator at every n-th step. The paper is silent: 1 to 1.
      discriminator_every: Update the discriminator at every n-th step.
      on_collapse: What follows when the images are all alike or the discriminator's loss is at zero, which every
        evaluation looks for: 'continue' only logs it, 'stop' ends the run there and keeps the last good checkpoint.
      data: Images.
      loop: Durations.
    """

    kind: Literal["dcgan", "acgan"] = "dcgan"
    seed: int = 0
    num_devices: int = 0
    batch_norm: Literal["synchronised", "replica"] = "synchronised"
    width: int = 128
    discriminator_width: int = 64
    latent_size: int = 100
    embedding_size: int = 10
    dtype: Literal["float32", "bfloat16"] = "float32"
    loss: Literal["non_saturating", "minimax", "hinge", "least_squares"] = "non_saturating"
    label_smoothing: float = 0.0
    class_weight: float = 1.0
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    ema_decay: float = 0.0
    generator_every: int = 1
    discriminator_every: int = 1
    on_collapse: Literal["continue", "stop"] = "continue"
    data: DataConfig = DataConfig()
    loop: LoopConfig = dataclasses.field(default_factory=lambda: LoopConfig(duration="70 epochs"))


@dataclasses.dataclass(frozen=True)
class PaperConfig:
    """The whole protocol (section on the experiments).

    Attributes:
      kind: Always 'paper'.
      dataset: Directory written by `lesion-jax build`; empty makes and builds the phantom.
      phantom_seed: Seed of that phantom.
      phantom_patients_scale: Share of the phantom's default number of lesions, for quick runs.
      seeds: One repetition of every training per seed, on the same folds and the same classic augmentation.
      selection: Where sizes and checkpoints are chosen: 'inner' on patients held out of the
        training folds, 'test' on the test folds, as the paper did (optimistic).
      arms: What is compared.
      classic_sizes: Classic images per fold; must contain 0.
      synthetic_sizes: Synthetic images per class and fold, added to the chosen classic size.
      gan_classic_size: Classic images per fold that the GANs are trained on; 0 takes the chosen classic size.
      classifier: Every classifier; its data.* about folds, sizes and banks are filled in per arm. num_devices, here
        and below the same, are those over which trainings are spread, each on one.
      dcgan: Every DCGAN, likewise.
      acgan: Every ACGAN, likewise.
    """

    kind: Literal["paper"] = "paper"
    dataset: str = ""
    phantom_seed: int = 0
    phantom_patients_scale: float = 1.0
    seeds: tuple[int, ...] = (0,)
    selection: Literal["inner", "test"] = "inner"
    arms: tuple[str, ...] = ("none", "classic", "dcgan", "acgan", "acgan_discriminator")
    classic_sizes: tuple[int, ...] = (0, 500, 1000, 2000, 3000, 5000, 7500, 10000, 15000)
    synthetic_sizes: tuple[int, ...] = (100, 500, 1000, 2000, 3000, 4000)
    gan_classic_size: int = 0
    classifier: ClassifierConfig = ClassifierConfig()
    dcgan: GanConfig = GanConfig()
    acgan: GanConfig = dataclasses.field(
        default_factory=lambda: GanConfig(kind="acgan", learning_rate=1e-4, loop=LoopConfig(duration="50 epochs"))
    )


@dataclasses.dataclass(frozen=True)
class HalvingConfig:
    """Successive halving by inner scores (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning").

    Attributes:
      rungs: Durations, rising; at each the cells that have come so far are compared. None turns it off. A rung lies
        at the first evaluation at or after its duration.
      keep: Share of the cells at a rung that goes on, above 0 and below 1.
    """

    rungs: tuple[str, ...] = ()
    keep: float = 1 / 3


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """Many trainings that differ in some fields: every cell of grid x zip x random x cells.

    Fields are named as on the command line: "learning_rate", "data.fold".

    Attributes:
      kind: Always 'sweep'.
      base: What all cells have in common.
      grid: (field, values) ...; every combination.
      zip: (field, values) ... of one length; first values together, second values together, and so on.
      random: (field, 'uniform' | 'log_uniform', lowest, highest) or (field, 'choice', values) ...; drawn num_random
        times.
      num_random: Draws.
      random_seed: Of the draws.
      cells: ((field, value), ...) ...; each is one more point.
      packing: How the members of a device share its program, see `lesion_jax.runtime.population`; 'auto' measures them
        once where the sweep is long enough, and remembers.
      num_devices: Over which a program is spread; each task of an array gets so many.
      device_memory: GiB that a device may hold. Programs are cut to it, alike wherever they run.
      halving: Ends poor cells early.
    """

    kind: Literal["sweep"] = "sweep"
    base: ClassifierConfig | GanConfig = GanConfig()
    grid: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    zip: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    random: tuple[tuple[Any, ...], ...] = ()
    num_random: int = 1
    random_seed: int = 0
    cells: tuple[tuple[tuple[str, Any], ...], ...] = ()
    packing: Literal["auto", "one", "unrolled", "map", "vmap", "gemm"] = "auto"
    num_devices: int = 1
    device_memory: float = 16.0
    halving: HalvingConfig = HalvingConfig()
