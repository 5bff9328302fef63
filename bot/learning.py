"""Learning from moderators: their verdicts become a correction of the shipped model, where it stands the test."""

import asyncio
import multiprocessing
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.classifiers import Classifier
from bot.classifiers.adapted import Adapted, Gain, content
from bot.classifiers.model import SHIPPED, shipped
from bot.classifiers.rules import Rules
from bot.classifiers.trained import Trained
from bot.classifiers.verdicts import Judgement, learn
from bot.reading import Read, Reading
from bot.settings import Config
from bot.walk import People
from storage import models
from storage.database import Database
from storage.reviews import AUDIT, REVIEW
from storage.tables import Message, Tag, TagChange
from storage.tags import MODERATOR

_EVERY = timedelta(days=1)
_MOST, _BACKGROUND = 20_000, 2_000
_BEGINNING = (-1, "")


class Learned(NamedTuple):
    """What came of it."""

    verdicts: int
    gains: Mapping[str, Gain]
    """The labels that were learned."""
    id: int | None
    """The number of the model that was kept; None where nothing stood the test."""
    in_use: bool


def classifier(database: Database, config: Config) -> Classifier:
    """Who labels messages here: rules, the shipped model, or the one adapted to this community."""
    if config.tagging.classifier == "rules":
        return Rules()
    with database.read() as session:
        found = models.in_use(session)
        # What corrects another shipped model says nothing about this one.
        if found is None or found.base != shipped().fingerprint:
            return Trained()
        return Trained(_adapted(found.content))


@lru_cache(maxsize=1)
def _adapted(correction: str) -> Adapted:
    return Adapted(SHIPPED.read_bytes(), correction.encode())


def is_due(database: Database) -> bool:
    """Whether to learn again: not more than once a day, after new verdicts or with another shipped model."""
    with database.read() as session:
        last = models.tried_at(session)
        if last is not None and datetime.now(UTC) - last < _EVERY:
            return False
        used = models.in_use(session)
        return models.has_news(session) or (used is not None and used.base != shipped().fingerprint)


async def learn_beside(database: Database) -> Learned:
    """`learn_here` in a process of its own: it takes seconds, and live events must not wait.

    Nor must a stop: whoever is cancelled goes on at once, and the process is ended; what it learned is then not kept.
    """
    url = database.url.render_as_string(hide_password=False)
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, _learn_from, url)
    except asyncio.CancelledError:
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()  # else the program would wait for it before it ends
        raise
    finally:
        pool.shutdown(wait=False)


def _learn_from(url: str) -> Learned:
    database = Database(url)
    try:
        return learn_here(database)
    finally:
        database.close()


def learn_here(database: Database) -> Learned:
    """Learn from every verdict that moderators gave, and keep what is better; nothing else is changed."""
    began = datetime.now(UTC)
    with database.read() as session:
        judgements = list(_judgements(session))
        background = [subject for read in _background(session) for subject in read.subjects]
    correction = learn(shipped(), judgements, background)
    if correction is None:
        with database.write() as session:
            models.tried(session, began)
        return Learned(len(judgements), {}, None, in_use=False)
    report = {
        label: {"verdicts": each.verdicts, "gain": round(each.gain, 4)}
        for label, each in correction.gains.items()
    }
    made = content(correction, {"verdicts": len(judgements)}).decode()
    with database.write() as session:
        models.tried(session, began)
        kept = models.keep(session, shipped().fingerprint, made, orjson.dumps(report).decode())
        return Learned(len(judgements), correction.gains, kept.id, kept.in_use)


def _judgements(session: Session) -> Iterator[Judgement]:
    """The newest verdicts of people, with the messages they are about."""
    sampled = {
        (change.source_id, change.external_id, change.label)
        for change in session.scalars(select(TagChange).where(TagChange.via.in_([AUDIT, REVIEW])))
    }
    chosen = select(Tag).where(Tag.decided_by == MODERATOR).order_by(Tag.decided_at.desc()).limit(_MOST)
    by_source: dict[int, list[Tag]] = {}
    for tag in session.scalars(chosen):
        by_source.setdefault(tag.source_id, []).append(tag)
    for source, tags in by_source.items():
        read = _read(session, source, {tag.external_id for tag in tags})
        place = {id_: n for n, id_ in enumerate(read.ids)}
        for tag in tags:
            n = place.get(tag.external_id)
            # A forgotten text teaches nothing.
            if n is not None and read.subjects[n].text:
                is_sampled = (tag.source_id, tag.external_id, tag.label) in sampled
                yield Judgement(
                    read.subjects[n], tag.label, tag.verdict, f"{source} {read.conversations[n]}", tag.decider or "",
                    is_sampled,
                )  # fmt: skip


def _background(session: Session) -> Iterator[Read]:
    """Messages drawn at random, the same ones as long as there are no others."""
    ids = session.execute(
        select(Message.source_id, Message.external_id)
        .where(Message.deleted.is_(False), Message.created_at.is_not(None), Message.text != "")
        .order_by(Message.created_at.desc())
        .limit(10 * _BACKGROUND)
    ).all()
    drawn = random.Random(1).sample(ids, min(len(ids), _BACKGROUND))  # noqa: S311 - no secret
    for source in sorted({row[0] for row in drawn}):
        wanted = {row[1] for row in drawn if row[0] == source}
        read = _read(session, source, wanted)
        keep = [n for n, id_ in enumerate(read.ids) if id_ in wanted]
        yield read._replace(
            ids=[read.ids[n] for n in keep], subjects=[read.subjects[n] for n in keep],
            conversations=[read.conversations[n] for n in keep],
        )  # fmt: skip


def _read(session: Session, source: int, ids: set[str]) -> Read:
    chosen = select(Message.conversation_id).where(
        Message.source_id == source, Message.external_id.in_(sorted(ids))
    )
    conversations = {id_ for id_ in session.scalars(chosen.distinct()) if id_ is not None}
    return Reading(session, source, People(session, source)).read(
        dict.fromkeys(conversations, _BEGINNING), {}
    )
