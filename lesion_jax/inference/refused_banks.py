"""Banks that a training is not to take: broken ones, where the config says so."""

import functools
from pathlib import Path

from lesion_jax.config import DataConfig
from lesion_jax.data.bank import load_bank
from lesion_jax.errors import BankError
from lesion_jax.io.progress import Progress


def refuse_broken_banks(data: DataConfig) -> None:
    """Audits the banks of a config, if it asks for that; those of one process once.

    Args:
      data: With absolute paths.

    Raises:
      BankError: They are broken, and why, or cannot be audited.
    """
    if data.refuse_broken_banks and data.banks:
        _refuse(data.banks, data.dataset)


@functools.cache
def _refuse(banks: tuple[str, ...], dataset: str) -> None:
    # Late: every training imports this file, and an audit scipy.stats, which takes as long as a third of JAX.
    from lesion_jax.inference.audit_files import audit_files

    # Whoever chose on inner patients keeps the test patients for the test.
    part = "inner" if load_bank(Path(banks[0])).provenance.get("hold_out_inner") else "test"
    progress = Progress(1, "audit of banks")
    progress.update(0)
    found, _ = audit_files([Path(bank) for bank in banks], Path(dataset), part)
    progress.update(1)
    if found["broken"]:
        raise BankError(
            f"{found['sentence']} The bank is {' and '.join(banks)}; draw another, or train on it all the same with "
            "data.refuse_broken_banks=False."
        )
