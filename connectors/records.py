"""What a platform says, in our words.

Plain immutable tuples: a connector makes them, storage keeps them. This module imports nothing of ours.
All times are aware `datetime`s in UTC. All ids are the platform's own, as text, unique within one source.

Order never matters: of two snapshots of one thing, the one with the higher `(revision, observed_at)` is the
truth (for members and channels: `(complete, observed_at)` and `observed_at`), wherever it came from and
whenever it arrived. `observed_at` stands on the `Page`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Member(NamedTuple):
    """An account on one source. `complete` is False for the little that a message says of its author."""

    id: str
    name: str
    display_name: str = ""
    email: str | None = None
    is_bot: bool = False
    is_staff: bool = False
    """The platform's own mark: administrator, owner, moderator."""
    roles: tuple[str, ...] = ()
    """Names of roles or groups on the platform; which of them mean "staff" is the operator's decision."""
    links: tuple[str, ...] = ()
    """Addresses the account itself published (website, profile fields): evidence that two accounts are one person."""
    is_active: bool = True
    """False for a deactivated or suspended account."""
    complete: bool = True


class Join(NamedTuple):
    """An account joined the community (not: a channel of it)."""

    member_id: str
    at: datetime


class Leave(NamedTuple):
    """An account left the community."""

    member_id: str
    at: datetime


class Channel(NamedTuple):
    """A place to write: a channel, a forum, a category; a thread names its channel as `parent_id`."""

    id: str
    name: str
    parent_id: str | None = None
    is_private: bool = False
    """True when not every member can read it. Private places are left out of every number unless named."""
    is_archived: bool = False
    url: str | None = None


class Message(NamedTuple):
    """A snapshot of one message as people wrote it: never a join row, a topic change or another system line."""

    id: str
    channel_id: str
    author_id: str | None
    """None where the platform does not say who wrote it."""
    created_at: datetime
    text: str
    """As the platform gives it; a topic's title is its first line."""
    thread_id: str | None = None
    """The platform's thread or topic, where there is one. Equal in all messages of it, its first included."""
    opens_thread: bool = False
    """True for the first message of the thread `thread_id`."""
    reply_to: str | None = None
    """The message this one answers, where the platform says so."""
    revision: int = 0
    """Grows with each edit: microseconds since 1970 of the last edit, 0 when never edited."""
    reactions: Mapping[str, int] = {}
    """Name (or the character itself) of the emoji -> how many people."""
    is_solution: bool = False
    """The platform says: this message solved the question of its thread."""
    url: str | None = None
    marks: tuple[str, ...] = ()
    """Tags that the platform keeps on the topic or forum post which this message opens (on the first message only)."""


class Deletion(NamedTuple):
    """The message is gone. It may be said before the message itself arrives."""

    message_id: str
    at: datetime


class ChannelGone(NamedTuple):
    """A channel, or a thread with a channel of its own, is gone with every message in it and in its threads."""

    channel_id: str
    at: datetime


class Swept(NamedTuple):
    """A stretch that was reread whole: what the platform still shows of it stands on this page, the rest is deleted.

    With `thread_id`: the messages of that thread, its first one only if that stands in `channel_id` too (on Discord it
    may stand in the channel around). Else: the messages of `channel_id` that are no replies in a thread (its own and
    those that open a thread). Both ends are included; None is unbounded.
    """

    channel_id: str
    thread_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Refusal(NamedTuple):
    """A place that the platform does not let us read: remembered, shown in `spaces status`, tried again rarely."""

    channel_id: str
    why: str
    """One sentence with its cure."""


class Button(NamedTuple):
    """A button under something that we say: pressing it is the command `text`, asked by whoever presses it."""

    title: str
    text: str
    """At most 90 characters, such as "explain questions"."""


class Post(NamedTuple):
    """What we say. Nothing in it ever notifies anyone, whatever names and texts it holds."""

    key: str
    """Our own, unique, at most 25 letters and digits: sent with the message, so that it can be found again."""
    title: str
    text: str
    """CommonMark: headings, bold, links, lists, tables for Discourse; also the fallback of the others."""
    payload: Mapping[str, Any] | None = None
    """The platform's own form where there is one (Block Kit, embeds), as bot.digest.render makes it."""
    picture: bytes | None = None
    """A PNG."""
    alt: str = ""
    buttons: tuple[Button, ...] = ()
    """At most five; left out where the platform has none."""


class Choice(NamedTuple):
    """One of the values that an option takes, with what people are shown, by language ("en", "es")."""

    value: str
    titles: Mapping[str, str]


class Option(NamedTuple):
    """Something that can be said with a command."""

    name: str
    words: Mapping[str, str]
    """What it means, by language; at most 100 characters."""
    choices: tuple[Choice, ...] = ()
    """All there are (at most 25); none where anything can be said."""
    is_required: bool = False
    suggests: bool = False
    """While it is typed, `Inbox.suggest` knows what could be meant."""


class Offer(NamedTuple):
    """A command that people may give, as each platform offers it in its own way."""

    name: str
    words: Mapping[str, str]
    """What it does, by language; at most 100 characters."""
    options: tuple[Option, ...] = ()
    names: Mapping[str, str] = {}
    """What it is called in other languages than English."""


class Command(NamedTuple):
    """A person asks. The platform has been told already that we heard it."""

    id: str
    """The platform's own: the same request told twice has the same."""
    asker: Member
    """With the roles they have, as far as the platform told: `complete` only if these are all of them."""
    text: str
    """What was said after `/spaces` or the bot's name: "weekly public", "tag https://... idea"; may be empty."""
    options: Mapping[str, str] = {}
    """What the platform understood by itself, by the name of the option; stronger than `text`."""
    channel_id: str | None = None
    """Where it was asked; None where nobody else can read (a direct message to the bot)."""
    thread_id: str | None = None
    language: str | None = None
    """What the asker's own program speaks ("es", "en-GB"); None: the platform does not say."""
    message: str | None = None
    """The message that it is about: that of a menu, a reaction, a reply to the bot."""
    via: str = "command"
    """"command", "menu", "button", "mention"; or "emoji": then `text` is "tag 💡" where the reaction was put, "untag 💡"
    where it was taken away, with the character itself or the platform's name for it (":bulb:"), and `message` is set."""


class Reply(NamedTuple):
    """Our answer. Private to the asker unless `public`, and it never notifies anyone else."""

    text: str
    """CommonMark, as in `Post`."""
    title: str = ""
    payload: Mapping[str, Any] | None = None
    picture: bytes | None = None
    alt: str = ""
    buttons: tuple[Button, ...] = ()
    public: bool = False
    """To be seen by everybody in the place where it was asked."""


class Finding(NamedTuple):
    """One thing looked at by `spaces check`: `words` name what is missing, and the page or menu where it is mended."""

    good: bool
    words: str


class Problem(NamedTuple):
    """Something that could not be read: one sentence each for where, what and the cure."""

    where: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.cure}"


class Page(NamedTuple):
    """What was read, and how far we are: saved together, in one transaction.

    `cursor` belongs to `stream` (one name a channel, thread or archive); reading on from it repeats nothing and
    loses nothing. `cursor=None` leaves the stored position alone; an empty text ends the stream (read to its end).
    """

    stream: str
    cursor: str | None
    observed_at: datetime
    members: tuple[Member, ...] | list[Member] = ()
    channels: tuple[Channel, ...] | list[Channel] = ()
    messages: tuple[Message, ...] | list[Message] = ()
    deletions: tuple[Deletion, ...] | list[Deletion] = ()
    joins: tuple[Join, ...] | list[Join] = ()
    leaves: tuple[Leave, ...] | list[Leave] = ()
    problems: tuple[Problem, ...] | list[Problem] = ()
    left_out: Mapping[str, int] = {}
    """Rows that are no messages, counted by what they are ("channel_join": 320)."""
    fraction: float | None = None
    """How much of the stream has been read, 0 to 1, for a progress bar; None when unknown."""
    gone_channels: tuple[ChannelGone, ...] | list[ChannelGone] = ()
    swept: tuple[Swept, ...] | list[Swept] = ()
    """Applied after the messages of the page."""
    refusals: tuple[Refusal, ...] | list[Refusal] = ()
    readable: tuple[str, ...] | list[str] = ()
    """Channels that answered: a refusal remembered for one of them is forgotten."""
