import resource

import pytest

from lesion_jax.disk.limits import allow_open_files
from lesion_jax.errors import RunError


@pytest.fixture(autouse=True)
def limited(monkeypatch):
    limits = [[1024, 4096]]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits[-1]))
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    return limits


def test_the_own_limit_is_raised_where_it_is_too_low(limited):
    allow_open_files(100)
    assert len(limited) == 1
    allow_open_files(2000)
    assert 2000 < limited[-1][0] <= 4096 and limited[-1][1] == 4096


def test_the_systems_limit_is_said():
    with pytest.raises(RunError, match="may open 4096 here"):
        allow_open_files(4096)
