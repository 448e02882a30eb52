import os

import pytest

from lesion_jax.disk.atomic import write_bytes, write_json


def test_content_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.json"
    write_bytes(path, b"old")
    write_json(path, {"b": [1, 2.5, None]})
    assert path.read_text() == '{\n  "b": [\n    1,\n    2.5,\n    null\n  ]\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_breaks_off_leaves_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_bytes(path, b"old")

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_cannot_say_is_refused_before_writing(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []
