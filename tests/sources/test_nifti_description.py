"""dataset.json: names of labels by number, in both forms, and what says two things."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.nifti_description import describe


@pytest.fixture
def described(tmp_path):
    def write(text):
        (tmp_path / "dataset.json").write_text(text)
        return describe(tmp_path)

    return write


def test_both_forms_name_labels_and_the_first_channel(described, tmp_path):
    assert describe(tmp_path) == ({}, True)
    decathlon = '{"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver", "2": "3rd"}}'
    assert described(decathlon) == ({0: "background", 1: "liver", 2: "3rd"}, True)
    # The first channel is that of number 0, wherever it stands.
    nnunet = '{"channel_names": {"1": "CT", "0": "MR"}, "labels": {"background": 0, "tumour": "1", "all": [1, 2]}}'
    assert described(nnunet) == ({0: "background", 1: "tumour"}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"labels": {"1": "liver", "1": "tumour"}}', "it has '1' twice"),
        ('{"labels": {"liver": 1, "tumour": 1}}', "it has 1 twice"),
        ('{"labels": {"liver": 1.7}}', "label 'liver' has no whole number"),
        ('{"labels": {"liver": "1_0"}}', "label 'liver' has no whole number"),
        ('{"labels": {"liver": true}}', "label 'liver' has no whole number"),
        ('{"labels": {"1": 2}}', "label '1' has the name 2, which is a number too"),
        ('{"labels": "x"}', "no description"),
        ("[1]", "no description"),
        ("{", "no description"),
    ],
)
def test_what_says_two_things_or_nothing_is_refused(described, text, message):
    with pytest.raises(DataError, match="dataset.json is no description of a data set") as caught:
        described(text)
    assert message in str(caught.value)
