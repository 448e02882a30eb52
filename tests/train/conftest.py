import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def start_training():
    """Starts tests/train/process.py with the words given."""

    def start(*words):
        command = [sys.executable, "-m", "tests.train.process", *map(str, words)]
        return subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start
