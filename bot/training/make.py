"""`spaces train`: from the corpus to the model that ships, with its card."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bot.classifiers import cues
from bot.classifiers.features import Floats
from bot.evaluation import score
from bot.training.corpus import LABELS, TooLittle
from bot.training.fit import Bools
from bot.training.train import Data, Judged, best_threshold, content, fit, judge, load, repeated, seen_apart

_BINS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


def make(folder: Path, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Judge the making by leave-community-out, make the model of everything, write it; returns its card.

    Raises:
        Malformed: a line of the corpus is not in the form.
        TooLittle: there are fewer than two communities, or a label is nowhere.
    """
    data = load(folder)
    say(f"{len(data.lines)} messages of {len(set(data.groups))} communities.")
    if len(set(data.groups)) < 2:  # noqa: PLR2004 - one to learn from, and another to judge by
        raise TooLittle("a model is judged on other communities than it is made of, and only one is there")
    if missing := [label for label, n in zip(LABELS, data.truth.sum(0), strict=True) if not n]:
        raise TooLittle(f"no message is labelled {', '.join(missing)}")
    seen = seen_apart(data)
    judged = judge(data, seen)
    usual = repeated(data, np.ones(len(data.lines), bool))
    thresholds = {
        label: best_threshold(judged.probabilities[usual, n], data.truth[usual, n])
        for n, label in enumerate(LABELS)
    }
    card = card_of(data, judged, thresholds)
    say(table(card))
    model = fit(data, seen)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content(model, judged, thresholds, card))
    return card


def card_of(data: Data, judged: Judged, thresholds: dict[str, float]) -> dict[str, Any]:
    """What the model was made of, and how it does on communities it was not made of."""
    languages = np.array([line.language for line in data.lines])
    parts = {code: languages == code for code in sorted(set(map(str, languages)))}
    parts["ordinary"] = np.array([line.is_ordinary for line in data.lines])
    return {
        "corpus": {
            "messages": len(data.lines),
            "communities": len(set(data.groups)),
            "by_language": {
                code: int((languages == code).sum()) for code in sorted(set(map(str, languages)))
            },
        },
        "cues": cues.written(),
        "judged": "communities dealt into 8 parts, each labelled by steps that saw nothing of it; thresholds chosen on the same answers, ordinary communities counting four times",
        "labels": {
            label: {
                "threshold": thresholds[label],
                **_figures(judged.probabilities[:, n], data.truth[:, n], thresholds[label]),
                **{
                    code: _figures(judged.probabilities[is_it, n], data.truth[is_it, n], thresholds[label])
                    for code, is_it in parts.items()
                },
                "calibration": _calibration(judged.probabilities[:, n], data.truth[:, n]),
            }
            for n, label in enumerate(LABELS)
        },
    }


def _figures(probabilities: Floats, truth: Bools, threshold: float) -> dict[str, Any]:
    found = score("", probabilities >= threshold, truth)
    return {
        "n": found.wanted, "precision": round(found.precision, 3), "recall": round(found.recall, 3),
        "f1": round(found.f1, 3), "interval": [round(found.low, 3), round(found.high, 3)],
    }  # fmt: skip


def _calibration(probabilities: Floats, truth: Bools) -> list[list[float]]:
    """For each stretch of probabilities: how sure on average, how often right, how many."""
    place = np.digitize(probabilities, _BINS[1:-1])
    return [
        [
            round(float(probabilities[place == n].mean()), 3),
            round(float(truth[place == n].mean()), 3),
            int((place == n).sum()),
        ]
        for n in range(len(_BINS) - 1)
        if (place == n).any()
    ]


def table(card: dict[str, Any]) -> str:
    """The card's figures as a Markdown table."""
    is_any_ordinary = any(told["ordinary"]["n"] for told in card["labels"].values())
    parts = [*card["corpus"]["by_language"], *["ordinary"] * is_any_ordinary]
    lines = [
        f"| label | n | precision | recall | F1 | {' | '.join(parts)} |",
        f"|---|--:|--:|--:|--:|{'--:|' * len(parts)}",
    ]
    for label, told in card["labels"].items():
        languages = [
            f"{told[code]['f1']:.2f} ({told[code]['interval'][0]:.2f} to {told[code]['interval'][1]:.2f})"
            for code in parts
        ]
        interval = f"{told['interval'][0]:.2f} to {told['interval'][1]:.2f}"
        lines.append(
            f"| `{label}` | {told['n']} | {told['precision']:.2f} | {told['recall']:.2f} | "
            f"{told['f1']:.2f} ({interval}) | {' | '.join(languages)} |"
        )
    macro = [
        f"{np.mean([(told[part] if part else told)['f1'] for told in card['labels'].values()]):.3f}"
        for part in ("", *parts)
    ]
    lines.append(f"| macro | | | | {' | '.join(macro)} |")
    return "\n".join(lines)
