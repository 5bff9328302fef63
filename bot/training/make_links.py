"""`spaces train --links`: from links that people drew to the link model that ships, with its card."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.classifiers.conversations import recent
from bot.classifiers.links import Links
from bot.training.corpus import TooLittle
from bot.training.drawn import Drawn, from_corpus, from_file
from bot.training.links import Choices, choices, content, fit, joined
from bot.training.train import dealt

_PARTS = 5
_DRAWS = 2_000


def make_links(folder: Path, file: Path | None, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Judge the making on logs and communities that it sees nothing of, make the model of everything; returns its card.

    Raises:
        Malformed: a line of the corpus or of the file is not in the form.
        TooLittle: there are fewer than two communities or logs.
    """
    drawn = [*from_corpus(folder)]
    ours = len(drawn)
    drawn += from_file(file) if file is not None else ()
    groups = [each.group for each in drawn]
    say(
        f"{ours} lines of the corpus, {len(drawn) - ours} of the file, {len(set(groups))} communities and logs."
    )
    if len(set(groups)) < 2:  # noqa: PLR2004 - one to learn from, and another to judge by
        raise TooLittle(
            "a model is judged on other communities and logs than it is made of, and only one is there"
        )
    seen = {
        group: choices([each for each in drawn if each.group == group]) for group in dict.fromkeys(groups)
    }
    links = judge(drawn, ours, seen)
    marked = [n for n, each in enumerate(drawn[:ours]) if each.is_marked]
    card = {
        "corpus": figures(drawn[:ours], links[:ours]),
        "corpus, answers alone": figures([drawn[n] for n in marked], [links[n] for n in marked]),
        "file": figures(drawn[ours:], links[ours:]) if file is not None else None,
        "judged": "each log by itself, and the communities dealt into 5 parts, by models that saw nothing of it",
    }  # fmt: skip
    for name, told in card.items():
        if isinstance(told, dict):
            say(
                f"{name}: F {told['f']:.3f} ({told['interval'][0]:.3f} to {told['interval'][1]:.3f}), n {told['n']}"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content(fit(joined([*seen.values()])), card))
    return card


def judge(drawn: Sequence[Drawn], ours: int, seen: dict[str, Choices]) -> list[str]:
    """For each line the one it is found to go on from, itself if it begins something, by models that saw nothing of it."""
    logs = dict.fromkeys(each.group for each in drawn[ours:])
    parts = [{log} for log in logs]
    masks = dealt([each.group for each in drawn[:ours]], _PARTS)
    parts += [{each.group for each, is_in in zip(drawn, mask, strict=False) if is_in} for mask in masks]
    found: dict[int, str] = {}
    for part in parts:
        net = fit(joined([each for group, each in seen.items() if group not in part]))
        model = Links(content(net, {}))
        found |= {n: link(model, each) for n, each in enumerate(drawn) if each.group in part}
    return [found[n] for n in range(len(drawn))]


def link(model: Links, each: Drawn) -> str:
    """The line that a line is found to go on from; itself where it begins a conversation."""
    if each.line is None:
        return each.id
    chosen = model.choose(each.line, list(recent(each.line, each.before)))
    return each.id if chosen is None else chosen.id


def figures(drawn: Sequence[Drawn], links: Sequence[str]) -> dict[str, Any]:
    """F over links as Kummerfeld et al. (2019) count them: a line that begins a conversation is linked to itself.

    The 95 % interval is that of drawing the logs or communities anew: the lines of one have too much in common.
    """
    groups = [*dict.fromkeys(each.group for each in drawn)]
    counts = np.zeros((len(groups), 2))
    for each, found in zip(drawn, links, strict=True):
        counts[groups.index(each.group)] += found in each.right, 1 + len(each.right)
    draws = counts[np.random.default_rng(1).integers(0, len(groups), (_DRAWS, len(groups)))].sum(1)
    low, high = np.quantile(2 * draws[:, 0] / draws[:, 1], (0.025, 0.975))
    right, both = counts.sum(0)
    return {
        "n": len(drawn), "f": round(float(2 * right / both), 3), "interval": [round(float(low), 3), round(float(high), 3)],
    }  # fmt: skip
