"""The rules about who imports what hold, and would notice a breach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent

# Accelerator machines may not have TensorFlow, and importing it takes seconds.
WITHOUT_TENSORFLOW = [
    "commands",
    "runtime.parallel",
    "data.dataset",
    "data.folds",
    "data.classic",
    "inference.export",
    "inference.restore",
    "io.checkpoint_format",
    "io.export",
    "io.writers",
    "models.acgan",
    "models.cnn",
    "models.dcgan",
    "objectives.gan",
    "paper.protocol",
    "families.classifier_step",
    "families.gan_step",
    "train.run",
]


def run(*command, cwd=CHECKOUT, **options):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, **options)


def tool(name):
    path = TOOLS / name
    if not path.exists():
        pytest.skip(f"{name} is not installed beside {sys.executable}; it comes with the extra 'test'")
    return path


def imported_without_tensorflow(modules):
    # None in sys.modules makes any import of it raise, as if it were not installed.
    lines = ["import importlib, sys", "sys.modules['tensorflow'] = None"]
    lines += [f"importlib.import_module('lesion_jax.{module}')" for module in modules]
    return run(sys.executable, "-c", "\n".join(lines))


@pytest.mark.slow
def test_everything_but_the_pipeline_imports_without_tensorflow():
    done = imported_without_tensorflow(WITHOUT_TENSORFLOW)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_pipeline_does_not():
    assert "import of tensorflow halted" in imported_without_tensorflow(["data.stream"]).stderr


def copy_with(tmp_path, **additions):
    """A copy of the package with a line added to some modules."""
    shutil.copytree(CHECKOUT / "lesion_jax", tmp_path / "lesion_jax", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    for module, line in additions.items():
        path = tmp_path / "lesion_jax" / (module.replace("__", "/") + ".py")
        path.write_text(path.read_text() + f"\n{line}\n")
    return tmp_path


def test_the_contracts_hold_on_the_checkout():
    done = run(tool("lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


def test_every_contract_notices_a_breach(tmp_path):
    copy = copy_with(
        tmp_path,
        core__keys="import lesion_jax.models.cnn",
        models__cnn="import absl.logging",
        disk__atomic="import tensorflow",
        io__writers="import orbax.checkpoint",
    )
    done = run(tool("lint-imports"), "--no-cache", cwd=copy)
    assert done.returncode != 0
    assert "0 kept, 4 broken" in done.stdout, done.stdout


def test_siblings_and_new_packages_are_noticed(tmp_path):
    copy = copy_with(tmp_path, io__writers="import lesion_jax.data.folds")
    assert "lesion_jax.io.writers -> lesion_jax.data.folds" in run(tool("lint-imports"), "--no-cache", cwd=copy).stdout
    copy = copy_with(tmp_path / "second")
    (copy / "lesion_jax" / "utils.py").write_text("")
    assert run(tool("lint-imports"), "--no-cache", cwd=copy).returncode != 0


@pytest.mark.parametrize(
    "line",
    ["jax.pmap(len)", "jax.shard_map(len)", "jax.sharding.Mesh([], ())", "jax.make_mesh((), ())"],
)
def test_only_parallel_names_the_devices(line):
    content = f'"""A."""\n\nimport jax\n\n{line}\n'
    command = [tool("ruff"), "check", "--no-cache", "--select", "TID251", "-"]
    elsewhere = run(*command, "--stdin-filename", "lesion_jax/train/loop.py", input=content)
    assert elsewhere.returncode == 1 and "runtime/parallel.py" in elsewhere.stdout
    assert run(*command, "--stdin-filename", "lesion_jax/runtime/parallel.py", input=content).returncode == 0
