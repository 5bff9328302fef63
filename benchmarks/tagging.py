"""Tagging by rules, on one core: how many messages a second, beside the floor of the same run.

The floor of matching is the bare automaton on the same texts; that of tagging is writing the same conversations and
tags into the same tables by the driver's executemany.
"""

import gc
import random
import time
from datetime import UTC, datetime, timedelta

from benchmarks.report import databases, say
from bot.classifiers import Subject, cues
from bot.classifiers.rules import Rules
from bot.tagger import drain
from connectors.records import Member, Message, Page
from storage import ingest
from storage.database import Database

COUNT = 100_000
_SEED = 7
_SAYINGS = (
    "how do I {do} the {thing} on {place}?",
    "does anybody know why the {thing} is so slow today",
    "you can {do} it in the settings of the {thing}, under {place}",
    "thanks, that worked!",
    "I tried to {do} the {thing} and it crashes with an error on {place}",
    "it would be great if the {thing} had a way to {do} by itself",
    "@{name} have a look at https://example.org/{thing}/{place} first",
    "{name}: the {thing} needs a restart after you {do} it",
    "yes, same here",
    "ok, I will {do} the {thing} tomorrow and tell you how it went, the {place} one is still on my list as well",
    "lol",
    "I wrote a short guide on how to {do} a {thing}: https://example.org/{place}",
    "¿alguien sabe cómo se hace lo del {thing} en {place}?",
    "ya funciona, gracias {name}",
    "puedes probar con `{do} --{thing}` y luego reiniciar",
    "good morning everyone",
    "we are meeting on Thursday at 18:00 at {place}, come along",
    "the {thing} from {place} is not what I had in mind but the other one that {name} showed last week comes close",
)
_WORDS = {
    "do": ("export", "install", "rename", "share", "merge", "archive", "print", "import"),
    "thing": ("report", "board", "calendar", "profile", "invoice", "chart", "folder", "project", "note"),
    "place": ("Windows", "the phone", "Madrid", "the server", "my laptop", "staging", "the web"),
}


def messages(count: int) -> list[Message]:
    """A community that talks all day in twenty channels, a third of it in threads."""
    chance = random.Random(_SEED)
    names = [f"person{n}" for n in range(300)]
    moments = [datetime(2026, 1, 1, tzinfo=UTC)] * 20
    roots: list[str] = [""] * 20
    made = []
    for n in range(count):
        channel = chance.randrange(20)
        moments[channel] += timedelta(seconds=chance.choice((5, 20, 60, 200, 900, 7200)))
        text = chance.choice(_SAYINGS).format(
            name=chance.choice(names), **{slot: chance.choice(words) for slot, words in _WORDS.items()}
        )
        text += f" #{n}"  # no two alike, as among people
        style = chance.random()
        opens = style > 0.95
        if opens:
            roots[channel] = f"{n:08}"
        thread = roots[channel] or None if style > 0.65 else None
        made.append(Message(
            f"{n:08}", f"c{channel}", f"u{chance.randrange(300)}", moments[channel], text, thread, opens,
            reactions={"thumbsup": 2} if n % 11 == 0 else {},
        ))  # fmt: skip
    return made


def matching(made: list[Message]) -> None:
    """The rules' own work, without conversations and database."""
    subjects = [Subject(message.text) for message in made]
    rules = Rules()
    rules.classify(subjects[:10])
    began = time.perf_counter()
    rules.classify(subjects)
    ours = time.perf_counter() - began
    automata = [automaton.patterns for automaton in cues._automata()]  # noqa: SLF001 - the floor is these very automata
    texts = [message.text for message in made]
    began = time.perf_counter()
    for text in texts:
        for patterns in automata:
            patterns.Match(text)
    floor = time.perf_counter() - began
    say("matching, one core", len(made) / ours, len(made) / floor, "messages/s", "50,000")


def tagging(database: Database, made: list[Message]) -> None:
    """Conversations, context, labels and writing, for a fresh bulk."""
    _fill(database, made)
    began = time.perf_counter()
    drain(database)
    ours = time.perf_counter() - began
    floor = _write_again(database)
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    say(
        f"tagging {len(made):,} fresh messages, {name}",
        len(made) / ours,
        len(made) / floor,
        "messages/s",
        "20,000",
    )


def live(database: Database, made: list[Message]) -> None:
    """One message at a time at the end of a long channel: what a message costs when it arrives."""
    last = max(message.created_at for message in made)
    spent = []
    for n in range(100):
        at = last + timedelta(seconds=20 * n)
        new = made[n]._replace(
            id=f"live{n}", channel_id="c1", thread_id=None, opens_thread=False, created_at=at
        )
        _save(database, [new])
        began = time.perf_counter()
        drain(database)
        spent.append(time.perf_counter() - began)
    spent.sort()
    print(f"  one live message: median {spent[50] * 1000:.1f} ms, slowest {spent[-1] * 1000:.1f} ms")


def _fill(database: Database, made: list[Message]) -> None:
    for start in range(0, len(made), 5_000):
        _save(database, made[start : start + 5_000])


def _save(database: Database, made: list[Message]) -> None:
    members = [Member(f"u{n}", f"person{n}") for n in range(300)]
    with database.write() as session:
        source = ingest.source_id(session, "bench", "slack")
        ingest.save(
            session, source, Page("bench", None, datetime(2026, 6, 1, tzinfo=UTC), members, messages=made)
        )


def _write_again(database: Database) -> float:
    """Seconds to write the same outcome by plain statements of the driver."""
    with database.write() as session:
        connection = session.connection()
        placed = list(map(tuple, connection.exec_driver_sql(
            "SELECT conversation_id, source_id, external_id FROM messages")))  # fmt: skip
        tags = list(map(tuple, connection.exec_driver_sql("SELECT * FROM tags")))
        connection.exec_driver_sql("UPDATE messages SET conversation_id = NULL, untagged = true")
        connection.exec_driver_sql("DELETE FROM tags")
    mark = "?" if database.is_sqlite else "%s"
    began = time.perf_counter()
    with database.write() as session:
        connection = session.connection()
        connection.exec_driver_sql(
            f"UPDATE messages SET conversation_id = {mark}, untagged = false "
            f"WHERE source_id = {mark} AND external_id = {mark}",
            placed,
        )
        connection.exec_driver_sql(f"INSERT INTO tags VALUES ({', '.join([mark] * len(tags[0]))})", tags)
    return time.perf_counter() - began


def run() -> None:
    """Print everything."""
    made = messages(COUNT)
    gc.freeze()  # the corpus is no part of what is measured
    matching(made)
    with databases() as each:
        for database in each:
            tagging(database, made)
            live(database, made)
