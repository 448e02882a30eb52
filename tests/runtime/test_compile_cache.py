import os
import subprocess
import sys

import pytest

SCRIPT = """
import pathlib, sys
from lesion_jax.runtime.compile_cache import keep_compiled
keep_compiled(pathlib.Path(sys.argv[1]))
import jax
jax.jit(lambda x: x * 3)(1.0).block_until_ready()
"""


@pytest.mark.slow
@pytest.mark.parametrize("set_by_user", [False, True])
def test_what_was_compiled_is_kept_where_the_user_wants_it_or_where_it_is_told(set_by_user, tmp_path):
    told, own = tmp_path / "told", tmp_path / "own"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMP")}
    environment.pop("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", None)
    if set_by_user:
        environment |= {"JAX_COMPILATION_CACHE_DIR": str(own), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(told)], env=environment, check=True)
    used, unused = (own, told) if set_by_user else (told, own)
    assert list(used.iterdir()) and not unused.exists()
