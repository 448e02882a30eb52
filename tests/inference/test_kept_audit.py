"""Audits that a study keeps, and which generators they say have failed."""

import json

import numpy as np
import pytest

from lesion_jax.inference import kept_audit
from lesion_jax.inference.audit import RULE


@pytest.fixture
def audited(monkeypatch):
    """Calls of what audits, which is left out."""
    calls = []

    def audit(banks, dataset, part, known):
        calls.append(banks)
        return {"broken": [], "number": len(calls)}, np.zeros((4, 4), np.uint8)

    monkeypatch.setattr(kept_audit, "audit_files", audit)
    return calls


def test_an_audit_is_kept_until_its_rule_changes(audited, tmp_path):
    def ask():
        return kept_audit.kept_audit(tmp_path / "fold0" / "dcgan", [tmp_path / "bank"], tmp_path, {})

    assert ask() == ask() == {"broken": [], "number": 1, "rule": RULE} and len(audited) == 1
    path = tmp_path / "fold0/dcgan.json"
    path.write_text(json.dumps({"broken": ["copies"], "number": 7, "rule": RULE - 1}))
    assert ask()["number"] == 2 and json.loads(path.read_text())["rule"] == RULE
    # As versions before the rule had a number left them.
    path.write_text(json.dumps({"broken": ["copies"], "number": 7}))
    assert ask()["number"] == 3


def test_two_models_of_one_family_fail_each_by_itself():
    rows = [
        {
            "scenario": "s",
            "model": model,
            "title": "DCGAN",
            "fold": fold,
            "broken": ["copies"] if model == "wide" else [],
        }
        for model in ("wide", "narrow")
        for fold in range(2)
    ]
    assert kept_audit.failed(rows) == {("s", "wide"): rows[:2]}
    (said,) = kept_audit.broken_sentences(rows)
    assert said.startswith("DCGAN failed in scenario s (2 of 2 banks; fold 0: copies)")
