import json
import subprocess
import sys

import jax

import lesion_jax
from lesion_jax.io import provenance


def test_it_names_versions_devices_and_command_and_is_json():
    facts = provenance.describe_environment()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["versions"]["lesion_jax"] == lesion_jax.__version__
    assert facts["versions"]["jax"] == jax.__version__
    assert facts["python"] == sys.version.split()[0]
    assert facts["devices"] == {"platform": "cpu", "kind": "cpu", "count": 4, "processes": 1}
    assert "device_count=4" in facts["xla_flags"]
    assert facts["argv"] == sys.argv


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def described(monkeypatch, root):
    monkeypatch.setattr(lesion_jax, "__file__", str(root / "lesion_jax" / "__init__.py"))
    provenance._git.cache_clear()
    facts = dict(provenance._git())
    provenance._git.cache_clear()
    return facts


def test_commit_and_dirtiness_of_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "lesion_jax").mkdir()
    (tmp_path / "lesion_jax" / "__init__.py").write_text("")
    assert described(monkeypatch, tmp_path) == {"commit": None, "dirty": None}
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert described(monkeypatch, tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "lesion_jax" / "__init__.py").write_text("x = 1\n")
    assert described(monkeypatch, tmp_path) == {"commit": commit, "dirty": True}


def test_a_copy_installed_inside_another_checkout_has_no_commit(tmp_path, monkeypatch):
    git(tmp_path, "init")
    site = tmp_path / ".venv" / "site-packages"
    (site / "lesion_jax").mkdir(parents=True)
    assert described(monkeypatch, site) == {"commit": None, "dirty": None}
