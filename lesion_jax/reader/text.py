"""Scores of a reader study as text tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.core.text_table import text_table
from lesion_jax.reader.key import SOURCES
from lesion_jax.reader.score import SUBSETS

Score = Mapping[str, Any] | None
_INTERVAL = "% right (95 % interval; images)"


def describe(scores: Mapping[str, Any]) -> str:
    """All tables of `score.score_readers`."""
    num, names = scores["num_images"], scores["class_names"]
    readers = scores["readers"]
    parts = [
        f"Reader study, page {scores['page'][:8]}: {num['all']} images of {', '.join(names)}, {num['real']} real and "
        f"{num['synthetic']} synthetic.",
        _total_table("Real or synthetic", readers, "source"),
        "\n".join(_verdict(one) for one in readers),
    ]
    asked = ["source"]
    if len(names) > 1:
        parts.append(_total_table("Which class", readers, "class"))
        asked.append("class")
    for what in asked:
        title = "Real or synthetic" if what == "source" else "Which class"
        rows = [
            [one["reader"], name, *(number(one[what]["per_class"][subset][label]) for subset in SUBSETS)]
            for one in readers
            for label, name in enumerate(names)
        ]
        if len(names) > 1:
            parts.append(_table(f"{title}, by class: {_INTERVAL}", ["reader", "class", *_columns()], rows))
    parts += [_confusion(one, names) for one in readers]
    if len(readers) > 1:
        parts.append(_agreement(scores["agreement"], asked))
    parts.append(
        "Intervals are Wilson's, of kappas bootstraps over images; both take images as independent, which those of one "
        "patient are not quite."
    )
    return "\n\n".join(parts) + "\n"


def number(score: Score) -> str:
    """A share as "62.5 (56.9 to 67.8; 302)", in percent; "-" where there is no image."""
    if score is None:
        return "-"
    value, low, high = (f"{100 * score[name]:.1f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high}; {score['n']})"


def _columns() -> list[str]:
    return [f"{subset} images" for subset in SUBSETS]


def _total_table(title: str, readers: Sequence[Mapping[str, Any]], what: str) -> str:
    rows = []
    for one in readers:
        total = one[what]["total"]
        rows.append([one["reader"], *(number(total[s]) for s in SUBSETS), _percent(total["all"]["majority"])])
    header = ["reader", *_columns(), "one answer to all"]
    return _table(f"{title}: {_INTERVAL}", header, rows)


def _verdict(one: Mapping[str, Any]) -> str:
    """Whether a reader tells real from synthetic, against the best single answer to all images."""
    share = one["source"]["total"]["all"]
    told = f"{one['reader']} ({one['num_answered']} answered, {one['seconds']:.1f} s each)"
    if share["majority"] is None:
        return f"{told}: answered images of one source only."
    against = f"than one answer to all, which gets {_percent(share['majority'])} %"
    if share["low"] > share["majority"]:
        return f"{told}: tells real from synthetic better {against}."
    if share["high"] < share["majority"]:
        return f"{told}: is right less often {against}."
    return f"{told}: not shown to tell real from synthetic better {against}."


def _confusion(one: Mapping[str, Any], names: Sequence[str]) -> str:
    tables = [_counts(f"{one['reader']}, real or synthetic: images", SOURCES, one["source"]["confusion"]["all"])]
    if one["class"]:
        tables += [
            _counts(f"{one['reader']}, class of {source} images", names, one["class"]["confusion"][source])
            for source in SOURCES
        ]
    return "\n\n".join(tables)


def _counts(title: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    return _table(
        title, ["true", *(f"said {n}" for n in names)], [[n, *row] for n, row in zip(names, counts, strict=True)]
    )


def _agreement(found: Mapping[str, Any], asked: Sequence[str]) -> str:
    rows = []
    for what in asked:
        if not (both := found[what]):
            return "No image was answered by all readers: agreement cannot be told."
        rows += [
            [what, " and ".join(p["readers"]), number(p["same"]), _kappa(p["kappa"], "Cohen")] for p in both["pairs"]
        ]
        if len(both["pairs"]) > 1:
            rows.append([what, "all", number(both["same"]), _kappa(both["fleiss"], "Fleiss")])
    return _table("Agreement of readers", ["question", "readers", "% the same (95 % interval; images)", "kappa"], rows)


def _kappa(kappa: Mapping[str, float] | None, whose: str) -> str:
    if kappa is None:
        return "undefined: one answer to all"
    return f"{kappa['value']:.2f} ({kappa['low']:.2f} to {kappa['high']:.2f}; {whose})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return f"{title}\n{text_table(header, rows)}"
