"""The page in a real Chromium: answered by keyboard, reloaded half-way, saved and scored; skips where there is none."""

import json
import time

import pytest

from lesion_jax.commands import main
from tests.reader.browser import browser, chromium, downloaded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium or Chrome on this machine"),
]


def test_a_session_by_keyboard_is_reloaded_saved_and_scored(study, tmp_path, capsys):
    dataset, bank = study
    out = tmp_path / "out"
    words = [f"--out={out}", f"--dataset={dataset}", f"--bank={bank}", "--num_real=4", "--num_synthetic=6"]
    assert main(["reader", *words]) == 0
    truth = json.loads((out / "key.json").read_text())["truth"]
    num = len(truth)
    assert num == 20
    # Three errors of source, all on real images; two of class, one on each source.
    real = [one["image"] for one in truth if one["source"] == "real"]
    synthetic = [one["image"] for one in truth if one["source"] == "synthetic"]
    wrong_source, wrong_class = set(real[:3]), {real[5], synthetic[5]}
    (tmp_path / "saved").mkdir()

    with browser(tmp_path / "profile", tmp_path / "saved") as page:
        page.open(out / "reader.html")
        for letter in "Dr Ü":
            page.press(letter)
        page.press("Enter")
        assert page.ask("session.reader") == "Dr Ü"
        shown = []
        for i in range(num):
            assert page.ask("at('where').textContent") == f"Image {i + 1} of {num}"
            page.press("Enter")
            assert page.ask("session.position") == i, "an image without an answer was left"
            image = page.ask("session.order[session.position]")
            shown.append(image)
            is_real = (truth[image]["source"] == "real") != (image in wrong_source)
            label = (truth[image]["class"] == "metastasis") != (image in wrong_class)
            if i == 3:
                # A Russian and a French keyboard.
                page.press(*(("к", "KeyR") if is_real else ("ы", "KeyS")))
                page.press(*(("é", "Digit2") if label else ("&", "Digit1")))
            else:
                page.press("r" if is_real else "s")
                page.press("2" if label else "1")
            if i == 0:
                time.sleep(0.1)
            if i == 5:
                # Either memory of the browser suffices.
                assert page.ask("localStorage.clear() ?? kept().reader") == "Dr Ü"
                assert page.ask("keep() ?? sessionStorage.clear() ?? kept().reader") == "Dr Ü"
            if i == num // 2:
                page.reload()
                assert page.ask("session.position") == i
                assert page.ask("document.querySelector('input[name=source]:checked').value") == (
                    "real" if is_real else "synthetic"
                )
                # Back and forth changes nothing.
                page.press("Backspace")
                assert page.ask("session.position") == i - 1
                page.press("Enter")
            page.press("Enter")
        assert page.ask("at('end').hidden") is False
        page.press("Enter")
        path = downloaded(tmp_path / "saved")
        assert page.ask("at('saved').textContent") == f"Saved as {path.name}."
        assert page.errors == []
        # Data in the page and the file that it saves; its own address twice, and no other.
        assert {url for url in page.requests if not url.startswith(("data:", "blob:"))} == {
            (out / "reader.html").as_uri()
        }

    saved = json.loads(path.read_text())
    assert saved["order"] == shown and sorted(shown) == list(range(num))
    assert saved["answers"][shown[0]]["ms"] >= 100
    assert saved["answers"][shown[num // 2]]["visits"] == 3

    capsys.readouterr()
    key = out / "key.json"
    assert main(["reader", "--score", str(path), "--key", str(key)]) == 0
    assert "Dr Ü    85.0 (64.0 to 94.8; 20)" in capsys.readouterr().out
    scores = json.loads((out / "scores" / "scores.json").read_text())
    one = scores["readers"][0]
    assert one["source"]["total"]["real"]["value"] == 5 / 8 and one["source"]["total"]["synthetic"]["value"] == 1
    assert one["class"]["total"]["real"]["value"] == 7 / 8 and one["class"]["total"]["synthetic"]["value"] == 11 / 12
    assert {fool["image"] for fool in scores["fooled"]["real"]} == wrong_source and not scores["fooled"]["synthetic"]
