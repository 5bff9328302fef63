"""The message that somebody speaks of: by its link, or by the menu, reaction or reply that it was asked on.

One that is not there and one that the asker cannot read are told apart by nobody: the answer is the same.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audience import source_ids
from bot.commands.model import Ask
from bot.settings import Config
from connectors import links
from storage.tables import Message


class Found(NamedTuple):
    """A message that is there, and that the asker can read."""

    source: str
    source_id: int
    external_id: str
    channel_id: str


async def find_message(ask: Ask, link: str | None, message: str | None) -> Found | None:
    """By the link where there is one, else by the id on the source where it was asked; None where neither was said.

    Raises:
        Wrong: there is no such message, or the asker cannot read it.
    """
    if link is None and message is None:
        return None
    found = await ask.doors.read(
        lambda session: (
            by_id(session, ask.source, message or "") if link is None else by_link(session, ask.config, link)
        )
    )
    if found is None or not await ask.doors.can_read(ask, found.source, found.channel_id):
        raise ask.wrong("I cannot find that message.")
    return found


def by_link(session: Session, config: Config, link: str) -> Found | None:
    """The message that an address names, on whichever source it is; None where there is none."""
    linked, ids = links.read(link), source_ids(session)
    if linked is None:
        return None
    for name, source in config.sources.items():
        if source.connector != linked.connector or name not in ids or not _is_at(linked, source.url):
            continue
        if linked.message is not None:
            found = by_id(session, name, linked.message)
        else:
            found = _by_number(session, name, ids[name], linked)
        if found is not None:
            return found
    return None


def _is_at(linked: links.Linked, url: str) -> bool:
    """Whether a link leads to the source with this address; ids of Slack and Discord are their own everywhere."""
    if not url:
        return linked.connector != "discourse"
    return linked.connector == "discord" or linked.host in {urlsplit(url).hostname, "app.slack.com"}


def by_id(session: Session, source: str, message: str) -> Found | None:
    """The message of that id on a source; None where there is none."""
    source_id = source_ids(session).get(source)
    return None if source_id is None else _found(source, session.get(Message, (source_id, message)))


def _by_number(session: Session, source: str, source_id: int, linked: links.Linked) -> Found | None:
    """A post by its number in a topic, which the addresses that we keep end with."""
    rows = session.scalars(
        select(Message).where(
            Message.source_id == source_id,
            Message.thread_id == linked.topic,
            Message.url.like(f"%/{linked.number}"),
        )
    )
    return _found(source, next(iter(rows), None))


def _found(source: str, row: Message | None) -> Found | None:
    if row is None or row.deleted or row.channel_id is None:
        return None
    return Found(source, row.source_id, row.external_id, row.channel_id)
