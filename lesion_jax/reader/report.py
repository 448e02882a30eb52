"""Scores of a reader study on disk: scores.txt, scores.json and pictures."""

from collections.abc import Sequence
from pathlib import Path

from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.reader.answers import read_all_answers
from lesion_jax.reader.figures import accuracy_figure, confusion_figure, fooled_figure
from lesion_jax.reader.key import load_key
from lesion_jax.reader.score import fooled, score_readers
from lesion_jax.reader.text import describe


def write_scores(key_path: Path, answers: Sequence[Path], out: Path, partial: bool) -> str:
    """Scores answers and writes what came of it; scores of an earlier call are replaced, file by file.

    Args:
      key_path: The study's key.json.
      answers: One file of each reader.
      out: Directory of the scores; made if it is not there.
      partial: Whether unfinished sessions count with what they hold.

    Returns:
      Text of scores.txt.

    Raises:
      DataError: The key or a file of answers is unreadable, changed, unfinished or of another page.
      RunError: `out` cannot be written.
    """
    key = load_key(key_path)
    readers = read_all_answers(answers, key, partial=partial)
    scores = score_readers(key, readers)
    deceptive = fooled(key, readers)
    text = describe(scores)
    with writing(out, what="--out"):
        out.mkdir(parents=True, exist_ok=True)
        accuracy_figure(out / "accuracy.png", scores)
        confusion_figure(out / "confusion.png", scores)
        fooled_figure(out / "fooled.png", key, deceptive)
        listed = {
            source: [
                {"image": i, "class": key.class_names[key.labels[i]], "wrong": wrong, "answered": n, **key.origins[i]}
                for i, wrong, n in some
            ]
            for source, some in deceptive.items()
        }
        write_json(out / "scores.json", {**scores, "fooled": listed})
        write_bytes(out / "scores.txt", text.encode())
    return text
