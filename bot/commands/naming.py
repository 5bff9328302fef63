"""Metrics, labels and kinds of facts by the names that people give them: forgiving, in every language."""

from collections.abc import Iterable, Mapping
from functools import cache

from bot.commands.fillers import FILLERS
from bot.commands.model import said
from bot.commands.text import nearest, plain, tokens
from bot.spaces.catalogue import LABELS, METRICS
from bot.spaces.observed import KINDS

_TELLING = 3
"""Letters that must be typed before a beginning is understood."""

_LABEL_WORDS = {
    "product_idea": "idea ideas feature wish request suggestion sugerencia propuesta deseo peticion",
    "bug_report": "bug bugs error fallo fallos defect problem problema",
    "support_answer": "answer answers reply respuesta respuestas",
    "question": "questions pregunta preguntas duda dudas consulta",
    "resolved": "solved fixed done resuelto resuelta solucionado solucion",
    "contribution": "guide tutorial resource showcase contribucion aporte aportacion guia recurso",
    "advocacy": "advocate recommendation testimonial referral recomendacion testimonio",
    "success_story": "story success win exito logro caso",
    "introduction": "intro presentacion hello",
    "event": "events evento eventos meetup",
    "thanks": "thank gracias agradecimiento",
}


@cache
def metric_names() -> Mapping[str, str]:
    """Every name of a metric, plain -> the metric."""
    return _names((name, (metric.title,)) for name, metric in METRICS.items())


@cache
def label_words() -> Mapping[str, str]:
    """Single words for labels, plain, in any language -> the label."""
    return {word: label for label, words in _LABEL_WORDS.items() for word in words.split()}


@cache
def label_names() -> Mapping[str, str]:
    """Every name of a label, plain -> the label."""
    return {**label_words(), **_names((name, (label.title,)) for name, label in LABELS.items())}


@cache
def kind_names() -> Mapping[str, str]:
    """Every name of a kind of fact, plain -> the kind."""
    titles = ((name, (kind.title,)) for name, kind in KINDS.items())
    return {plain(alias): name for name, kind in KINDS.items() for alias in kind.aliases} | _names(titles)


def _names(entries: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, titles in entries:
        for title in titles:
            for text in map(_key, said(title).values()):
                found[text] = name
                # "people answered" for "people who answered".
                found.setdefault(" ".join(word for word in text.split() if word not in FILLERS) or text, name)
        found[plain(name)] = name
    return found


def _key(text: str) -> str:
    """A text as its plain words, without what people leave out."""
    return " ".join(token.plain for token in tokens(text))


def find(typed: str, known: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(what was said, what was perhaps meant) among names: one of the two, or neither."""
    wanted = _key(typed)
    if wanted in known:
        return known[wanted], None
    if len(wanted) >= _TELLING:
        # "unansw" for "unanswered questions": what only one name begins with, or has among its words.
        begun = {name for word, name in known.items() if word.startswith(wanted)}
        holding = {name for word, name in known.items() if set(wanted.split()) <= set(word.split())}
        for meant in (begun, holding):
            if len(meant) == 1:
                return meant.pop(), None
    close = nearest(wanted, known, 0.6) if wanted else None
    return None, known[close] if close else None


def alike(typed: str, known: Mapping[str, str], limit: int = 25) -> list[str]:
    """What could be meant by what was typed so far, the likeliest first; all there is for nothing."""
    wanted = plain(typed)
    begins = [name for word, name in known.items() if word.startswith(wanted)]
    holds = [name for word, name in known.items() if wanted in word]
    close = nearest(wanted, known, 0.6) if wanted else None
    return list(dict.fromkeys([*begins, *holds, *([known[close]] if close else [])]))[:limit]
