"""Every table. Facts as the platforms told them, and beside each fact what we derived from it.

Derived columns (`standing`, `counted`, `conversation_id`, `untagged` ...) can always be made again from the facts.
Whatever is NULL or marked there is waiting to be derived: the queue is a query.

Big tables are keyed by (source_id, external_id) alone, so that the same schema can be distributed (docs/adr/0003).
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text
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

    marks: Mapped[str | None] = mapped_column(
        doc="JSON list of the topic's tags, on its first message; NULL when none"
    )

    text_forgotten_at: Mapped[datetime | None] = mapped_column(
        doc="content-light: when its text was dropped; its machine's tags stay as they are until an edit comes"
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
    decided_by: Mapped[str] = mapped_column(
        String(16), doc="rules, model, unsure, judge, platform or moderator"
    )
    decider: Mapped[str | None] = mapped_column(doc="who, where a person decided")
    why: Mapped[str]
    probability: Mapped[float | None] = mapped_column(
        doc="how sure the machine is, calibrated; NULL: a person or a plain rule"
    )
    decided_at: Mapped[datetime]


class Opinion(Base):
    """What an outside judge said of a label that the machine was unsure of; of the message as it stood then."""

    __tablename__ = "opinions"

    source_id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, doc="of the message")
    verdict: Mapped[bool | None] = mapped_column(doc="NULL: it gave no usable answer")
    judge: Mapped[str] = mapped_column(doc="the model's name")
    asked_at: Mapped[datetime]


class TagChange(Base):
    """What a person decided about a message, one row a decision: the audit trail, and what undoing goes back to."""

    __tablename__ = "tag_changes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_id: Mapped[int]
    external_id: Mapped[str]
    label: Mapped[str] = mapped_column(String(32))
    before: Mapped[bool | None] = mapped_column(
        doc="the person's verdict before; NULL: none, the machine decided"
    )
    after: Mapped[bool | None] = mapped_column(doc="the verdict since; NULL: the machine decides again")
    decider: Mapped[str] = mapped_column(
        doc="who: source and id of the account, team:U1, or the terminal's user"
    )
    via: Mapped[str] = mapped_column(
        String(8),
        doc="command, menu, button, emoji, mention, terminal; undo or unreact: their decision was taken back",
    )
    decided_at: Mapped[datetime]

    __table_args__ = (Index(None, "source_id", "external_id"),)


class Model(Base):
    """What was learned from this community's moderators, each time it was tried; at most one is in use."""

    __tablename__ = "models"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    base: Mapped[str] = mapped_column(doc="the fingerprint of the shipped model that it corrects")
    content: Mapped[str] = mapped_column(doc="JSON: the correction (bot.classifiers.adapted)")
    report: Mapped[str] = mapped_column(doc="JSON: label -> verdicts and gain; what was tried and not taken")
    in_use: Mapped[bool]
    pinned: Mapped[bool] = mapped_column(doc="a person chose it: no newer one takes its place by itself")
    made_at: Mapped[datetime]


class Goal(Base):
    """What a metric is to reach, and by when."""

    __tablename__ = "goals"

    metric: Mapped[str] = mapped_column(String(64), primary_key=True)
    target: Mapped[float]
    due: Mapped[str] = mapped_column(String(10), doc="a day, 2026-06-30")
    begun: Mapped[str] = mapped_column(String(10), doc="the day on which it was set")
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class Observation(Base):
    """A fact from outside the platforms: support cases, survey answers, attendees, leads. Undone, never deleted."""

    __tablename__ = "observations"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(doc="which event, feature, campaign; empty where there is one only")
    value: Mapped[float]
    of: Mapped[float | None] = mapped_column(doc="of how many, where it is a share")
    first: Mapped[str] = mapped_column(String(10), doc="the first day it is about")
    until: Mapped[str] = mapped_column(String(10), doc="the day after the last")
    note: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "kind", "first"),)


class Request(Base):
    """Something that a person asked for and that was done: kept in the transaction that did it, and never done again."""

    __tablename__ = "requests"

    source: Mapped[str] = mapped_column(String(64), primary_key=True, doc="its name")
    external_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class OptOut(Base):
    """An account whose person does not want to be named among the people to thank, by their own word."""

    __tablename__ = "opt_outs"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Digest(Base):
    """What became of one period of one schedule: written once, in the transaction that writes down its post."""

    __tablename__ = "digests"

    schedule: Mapped[str] = mapped_column(String(64), primary_key=True)
    first: Mapped[str] = mapped_column(String(10), primary_key=True, doc="the first day of its window")
    outcome: Mapped[str] = mapped_column(String(8), doc="posted (its post tells how that goes) or skipped")
    why: Mapped[str | None] = mapped_column(doc="why it was skipped")
    source_id: Mapped[int | None] = mapped_column(doc="the key of its post, with place and purpose")
    place: Mapped[str | None]
    purpose: Mapped[str | None]
    numbers: Mapped[str] = mapped_column(
        doc="JSON object, metric -> [number, numerator, denominator] as published"
    )
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime]


class Cursor(Base):
    """How far a stream has been read. Written in the transaction that stored what was read."""

    __tablename__ = "cursors"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    saved_at: Mapped[datetime]


class Sweep(Base):
    """A stretch of which all that stood at a moment is stored: what was seen earlier and not then is deleted.

    Kept, so that a snapshot that comes late is judged as if it had come in time.
    """

    __tablename__ = "sweeps"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    thread_id: Mapped[str] = mapped_column(primary_key=True, doc="empty: the channel itself")
    whole: Mapped[bool] = mapped_column(primary_key=True, doc="the channel is gone, with its threads")
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(primary_key=True)
    swept_at: Mapped[datetime]

    __table_args__ = (Index(None, "source_id", "swept_at"), Index(None, "source_id", "thread_id"))


class Refusal(Base):
    """A place that the platform did not let us read, and why."""

    __tablename__ = "refusals"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    why: Mapped[str]
    told_at: Mapped[datetime]


class Lease(Base):
    """Who serves a source: at most one process, until the lease expires."""

    __tablename__ = "leases"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    owner: Mapped[str]
    expires_at: Mapped[datetime]


class State(Base):
    """How a source fares, as whoever serves it last wrote down."""

    __tablename__ = "states"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    connected: Mapped[bool]
    why: Mapped[str | None] = mapped_column(doc="what is wrong and the cure, where something is")
    heard_at: Mapped[datetime | None] = mapped_column(doc="when the platform was last heard of")
    event_at: Mapped[datetime | None] = mapped_column(doc="when the last event came")
    lag: Mapped[int | None] = mapped_column(BigInteger, doc="microseconds from that event to its row")
    fraction: Mapped[float | None] = mapped_column(
        doc="how far a catch-up is; NULL: nothing is missing, as far as is known"
    )
    history_since: Mapped[datetime | None] = mapped_column(doc="where history begins, decided once")
    caught_up_at: Mapped[datetime | None] = mapped_column(doc="when the last whole catch-up began")
    swept_at: Mapped[datetime | None] = mapped_column(doc="when the last whole sweep began")
    updated_at: Mapped[datetime]


class Post(Base):
    """Something that we say, written down before it is sent. Once for a purpose in a place."""

    __tablename__ = "posts"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True, doc="why it is said, such as weekly 2026-05-04")
    key: Mapped[str] = mapped_column(String(25), doc="sent with it, so that it can be found again")
    state: Mapped[str] = mapped_column(String(8), doc="intended, unknown, sent or failed")
    external_id: Mapped[str | None]
    why: Mapped[str | None] = mapped_column(doc="what went wrong")
    content: Mapped[str] = mapped_column(doc="JSON: title, text, payload, alt")
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int]
    owner: Mapped[str | None] = mapped_column(doc="who is sending it, until claimed_until")
    claimed_until: Mapped[datetime | None]
    intended_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


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
