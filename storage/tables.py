"""Every table. Facts as the platforms told them, and beside each fact what we derived from it.

Derived columns (`standing`, `counted`, `conversation_id`, `untagged` ...) can always be made again from the facts.
Whatever is NULL or marked there is waiting to be derived: the queue is a query.

Big tables are keyed by (source_id, external_id) alone, so that the same schema can be distributed (docs/adr/0003).
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.times import UTCDateTime


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can find it again on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime, str: Text}  # noqa: RUF012 - SQLAlchemy's own form


class Source(Base):
    """A configured instance of a connector: `[sources.forum] connector = "discourse"`."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    connector: Mapped[str] = mapped_column(String(64))


class Channel(Base):
    """A place to write. `counted` is derived: public or named, and not excluded."""

    __tablename__ = "channels"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[str | None]
    is_private: Mapped[bool]
    is_archived: Mapped[bool]
    url: Mapped[str | None]
    observed_at: Mapped[datetime]

    counted: Mapped[bool | None]
    is_internal: Mapped[bool] = mapped_column(doc="derived: a place for staff only")


class Member(Base):
    """An account on one source.

    `person` names one of the accounts of the human behind it (`<source id>:<external id>`), at first this account
    itself; merging people writes the same name into all. `standing` is derived: member, staff or bot.
    """

    __tablename__ = "members"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    display_name: Mapped[str]
    email: Mapped[str | None]
    is_bot: Mapped[bool]
    is_staff: Mapped[bool]
    roles: Mapped[str] = mapped_column(doc="JSON list of names")
    links: Mapped[str] = mapped_column(doc="JSON list of addresses")
    is_active: Mapped[bool]
    complete: Mapped[bool]
    observed_at: Mapped[datetime]
    joined_at: Mapped[datetime | None] = mapped_column(doc="the first join ever told")
    rejoined_at: Mapped[datetime | None] = mapped_column(doc="the last join told")
    left_at: Mapped[datetime | None] = mapped_column(doc="the last leave told; gone if after rejoined_at")

    person: Mapped[str]
    standing: Mapped[str | None] = mapped_column(String(8))

    __table_args__ = (Index(None, "person"), Index(None, "joined_at"))


class Message(Base):
    """A message, or the tombstone of one never seen (then without channel, author and time)."""

    __tablename__ = "messages"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str | None]
    author_id: Mapped[str | None]
    created_at: Mapped[datetime | None]
    text: Mapped[str]
    thread_id: Mapped[str | None]
    opens_thread: Mapped[bool]
    reply_to: Mapped[str | None]
    revision: Mapped[int] = mapped_column(BigInteger)
    observed_at: Mapped[datetime]
    reactions: Mapped[str | None] = mapped_column(doc="JSON object, emoji -> people; NULL when none")
    reaction_count: Mapped[int]
    is_solution: Mapped[bool]
    url: Mapped[str | None]
    deleted_at: Mapped[datetime | None] = mapped_column(doc="the last deletion told")
    deleted: Mapped[bool] = mapped_column(
        doc="deleted_at is not before observed_at; then the text is gone too"
    )

    conversation_id: Mapped[str | None] = mapped_column(doc="external_id of the conversation's first message")
    untagged: Mapped[bool] = mapped_column(doc="waits for its conversation and its tags")

    __table_args__ = (
        # Covers who wrote where in a time, so that a quarter is counted without reading a quarter's texts.
        Index("ix_messages_when_who", "created_at", "source_id", "author_id", "channel_id", "deleted"),
        Index(None, "source_id", "author_id", "created_at"),
        Index(None, "source_id", "channel_id", "created_at"),
        Index(None, "source_id", "conversation_id"),
        Index(
            "ix_messages_thread", "source_id", "thread_id",
            sqlite_where=sql("thread_id IS NOT NULL"), postgresql_where=sql("thread_id IS NOT NULL"),
        ),
        Index(
            "ix_messages_reply_to", "source_id", "reply_to",
            sqlite_where=sql("reply_to IS NOT NULL"), postgresql_where=sql("reply_to IS NOT NULL"),
        ),
        Index(
            "ix_messages_untagged", "source_id", "channel_id", "created_at",
            sqlite_where=sql("untagged"), postgresql_where=sql("untagged"),
        ),
    )  # fmt: skip


class Tag(Base):
    """A verdict: this message is, or is not, `label`. A moderator's stands for ever; a machine's is made again."""

    __tablename__ = "tags"

    source_id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    verdict: Mapped[bool]
    decided_by: Mapped[str] = mapped_column(String(16), doc="rules, platform or moderator")
    decider: Mapped[str | None] = mapped_column(doc="who, where a person decided")
    why: Mapped[str]
    decided_at: Mapped[datetime]


class Cursor(Base):
    """How far a stream has been read. Written in the transaction that stored what was read."""

    __tablename__ = "cursors"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    saved_at: Mapped[datetime]


class Merge(Base):
    """A decision that accounts are one person; `moved` holds what each was before, so that it can be undone."""

    __tablename__ = "merges"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    person: Mapped[str]
    moved: Mapped[str] = mapped_column(doc="JSON object, account -> the person it was before")
    why: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Setting(Base):
    """Small facts about the database itself: by which rules its derived columns were made."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
