"""A digest as data: docs/digest.schema.json describes it. Numbers stay numbers; titles are in the language asked for."""

import json
from typing import Any

from bot.digest import plain
from bot.digest.briefing import brief
from bot.digest.model import VERSION, Digest, Reading
from bot.digest.words import Words
from bot.goals import Progress
from bot.spaces.model import Evidence, Value
from bot.spaces.window import Window

_LONG = 1_000
"""Characters of a message's text."""


def render(digest: Digest, language: str) -> str:
    """Indented JSON, in Unicode."""
    return json.dumps(document(digest, language), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def document(digest: Digest, language: str) -> dict[str, Any]:
    """The digest as plain lists and dicts. Texts are plain, and mention nobody when posted as they are."""
    words = Words(language, digest.window.zone, digest.currency)
    return {
        "version": VERSION,
        "language": language,
        "community": _text(digest.community),
        "purpose": _text(digest.purpose),
        "window": _window(digest.window, words),
        "previous": _window(digest.previous, words),
        "as_of": digest.as_of.isoformat(),
        "currency": digest.currency,
        "headline": plain.unaddressed(brief(digest, words).headline),
        "areas": [
            {
                "area": area.area.value,
                "title": words.area(area.area),
                "metrics": [_reading(reading, words) for reading in area.readings],
            }
            for area in digest.areas
        ],
        "unanswered": [_message(message) for message in digest.unanswered],
        "unanswered_total": digest.unanswered_total,
        "ideas": [
            {**_message(idea), "people": idea.people, "reactions": idea.reactions} for idea in digest.ideas
        ],
        "thanks": [{"name": _text(person.name), "did": dict(person.did)} for person in digest.thanks],
        "goals": [_goal(goal, words) for goal in digest.goals],
        "corrections": [
            {
                "name": each.metric.name,
                "published": _value(each.published, words),
                "now": _value(each.now, words),
            }
            for each in digest.corrections
        ],
        "unread": [_text(source) for source in digest.unread],
        "unsure": digest.unsure,
        "judged": digest.judged,
        "measured": {each.label: {"right": each.right, "asked": each.asked} for each in digest.measured},
        "refused": [
            {
                "source": _text(each.source),
                "channels": list(map(_text, each.channels)),
                "unnamed": each.unnamed,
            }
            for each in digest.refused
        ],
        "coverage": [
            {
                "source": _text(source.source),
                "connector": _text(source.connector),
                "messages": source.messages,
                "staff_messages": source.staff_messages,
                "bot_messages": source.bot_messages,
                "first_message_at": source.first_message_at.isoformat() if source.first_message_at else None,
                "last_message_at": source.last_message_at.isoformat() if source.last_message_at else None,
            }
            for source in digest.coverage
        ],
        "days": [
            {
                "day": day.day.isoformat(),
                "messages": day.messages,
                "questions": day.questions,
                "members": day.members,
            }
            for day in digest.days
        ],
    }


def _reading(reading: Reading, words: Words) -> dict[str, Any]:
    metric = reading.metric
    return {
        "name": metric.name,
        "title": words.gettext(metric.title),
        "definition": words.gettext(metric.definition),
        "source": words.gettext(metric.source),
        "unit": metric.unit.value,
        "direction": metric.direction.value,
        "headline": metric.headline,
        "value": _value(reading.value, words),
        "previous": _value(reading.previous, words),
        "change": reading.change.value,
    }


def _value(value: Value, words: Words) -> dict[str, Any]:
    return {
        "number": value.number,
        "numerator": value.numerator,
        "denominator": value.denominator,
        "interval": list(value.interval) if value.interval else None,
        "reason": words.gettext(value.reason),
        "too_few": value.too_few,
        "lower_bound": value.lower_bound,
        "parts": dict(value.parts),
    }


def _goal(goal: Progress, words: Words) -> dict[str, Any]:
    return {
        "name": goal.metric.name,
        "target": goal.target,
        "due": goal.due.isoformat(),
        "window": _window(goal.window, words),
        "value": _value(goal.value, words),
        "expected": goal.expected,
        "pace": goal.pace.value,
    }


def _window(window: Window, words: Words) -> dict[str, Any]:
    return {
        "title": words.window(window),
        "first": window.first.isoformat(),
        "until": window.until.isoformat(),
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "zone": window.zone.key,
        "period": window.period.value if window.period else None,
    }


def _message(message: Evidence) -> dict[str, Any]:
    return {
        "source": _text(message.source),
        "channel": _text(message.channel),
        "author": _text(message.author),
        "created_at": message.created_at.isoformat(),
        "text": plain.unaddressed(plain.excerpt(message.text, _LONG)),
        "url": plain.address(message.url),
    }


def _text(text: str) -> str:
    return plain.unaddressed(plain.clean(text))
