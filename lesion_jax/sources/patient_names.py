"""The patient that a file's path names."""

import re
from collections.abc import Callable

from lesion_jax.errors import ConfigError, DataError

PatientOf = Callable[[str], str]


def parse_pattern(pattern: str) -> PatientOf:
    """f(path below the input) that gives the patient.

    Args:
      pattern: A regular expression that is found in the path; its groups are the patient, or without any, all of it.

    Raises:
      ConfigError: It is none. What is returned raises DataError where a path does not have it.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"--patient is {pattern!r}, which is no regular expression ({error}).") from error

    def patient_of(path: str) -> str:
        found = compiled.search(path)
        name = "/".join(filter(None, found.groups() or (found[0],))) if found else ""
        if not name:
            raise DataError(f"{path} has no patient by --patient={pattern}; correct the expression.")
        return name

    return patient_of
