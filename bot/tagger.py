"""Drains the queue of untagged messages: each gets its conversation, then its labels.

The queue is a query (`messages.untagged`), so new, edited, deleted, imported and re-labelled messages are one case.
A batch is one transaction: it walks one channel after the other in the order of time, and may stop anywhere.

What a message's conversation depends on is local (`bot.classifiers.conversations`), and so is what must be looked at
again when a message came, changed or went: the lines shortly after it, those that reply to it, its thread, and from
the message before it on, the conversations it is or was in. So the outcome does not depend on the order of arrival.
"""

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from bot.classifiers import Classifier
from bot.classifiers.marks import Marked
from bot.classifiers.rules import Rules
from bot.reading import Reading
from bot.walk import People, Walk, Walked
from storage import conversations, opinions, queue, tags
from storage.database import Database
from storage.queue import Position
from storage.tables import Setting

_SETTING = "tagged_by"


def drain(
    database: Database,
    on_progress: Callable[[int, int], None] | None = None,
    batch: int = 5_000,
    classifier: Classifier | None = None,
    batches: int | None = None,
    topic_tags: Mapping[str, str] | None = None,
    judged: bool = False,
) -> int:
    """Tag everything that waits, and all again if the rules are others than last time. Returns how many were taken.

    Args:
        database: where the messages are.
        on_progress: told after each batch how many are done, and how many there were.
        batch: about how many messages go into one transaction.
        classifier: who decides; the rules if nobody is named.
        batches: stop after so many; whoever calls again goes on there.
        topic_tags: what the platforms' own topic tags mean: tag -> label.
        judged: what an outside judge said counts where the classifier is unsure.
    """
    decides = Marked(classifier or Rules(), topic_tags or {})
    fingerprint = decides.fingerprint + (" judged" if judged else "")
    with database.read() as session:
        known = session.get(Setting, _SETTING)
        same = known is not None and known.value == fingerprint
        if same and queue.first(session) is None:
            return 0
    if not same:
        with database.write() as session:
            session.merge(Setting(key=_SETTING, value=fingerprint))
            queue.queue_all(session)
    waiting = 0
    if on_progress is not None:
        with database.read() as session:
            waiting = queue.waiting(session)
    done = 0
    more = True
    while more and batches != 0:
        batches = None if batches is None else batches - 1
        with database.write() as session:
            found = queue.first(session)
            if found is not None:
                source, channel = found
                done += _Batch(session, decides, source, judged=judged).run(channel, batch)
            more = queue.first(session) is not None
        if on_progress is not None:
            on_progress(done, max(waiting, done))
    return done


class _Batch:
    """One transaction's work, on one source: conversations first, then labels."""

    def __init__(self, session: Session, classifier: Marked, source: int, *, judged: bool) -> None:
        self.session = session
        self.judged = judged
        self.classifier = classifier
        self.source = source
        self.people = People(session, source)
        self.walked = Walked()
        self.reading = Reading(session, source, self.people, classifier.question_tags)

    def run(self, channel: str, limit: int) -> int:
        """Take about `limit` messages out of the queue, from this channel on; returns how many."""
        taken = 0
        while True:
            walk = Walk(self.session, self.source, channel, self.people, self.walked)
            taken += walk.run(limit - taken)
            found = queue.first(self.session, self.source, channel) if taken < limit else None
            if found is None or found[0] != self.source:
                break
            channel = found[1]
        conversations.place(self.session, self.source, self.walked.placed)
        self._queue_others()
        self._tag()
        return taken

    def _queue_others(self) -> None:
        """Queue what depends on the messages of this batch and stands elsewhere, or further on."""
        gone: set[str] = set()  # no roots any more
        again: set[str] = set()
        changed, alive = [], []
        threads: set[str] = set()
        for id_, row in self.walked.rows.items():
            before, now = row.conversation_id, self.walked.placed[id_]
            if before == id_ and now != id_:
                gone.add(id_)
            if before != now:
                changed.append(id_)
            if now is None or (before is not None and before != now):
                # The old root lost a message, and what started a thread may have lost the whole thread.
                again |= {root for root in (row.thread_id, before) if root is not None}
            if now is not None and row.untagged:
                alive.append(id_)
                if row.thread_id is not None:
                    threads.add(row.thread_id)
        session, source = self.session, self.source
        opened = {
            row.thread_id
            for row in self.walked.rows.values()
            if row.opens_thread and row.thread_id is not None
        }
        opened |= conversations.threads_alive(session, source, alive)
        if opened:
            conversations.queue_thread(
                session, source, conversations.thread_roots(session, source, sorted(opened))
            )
        if threads:
            conversations.queue_starters(session, source, threads)
        if gone:
            conversations.queue_conversations(session, source, gone)
        again.update(conversations.replies(session, source, changed))
        queue.queue(session, source, [id_ for id_ in again if id_ not in self.walked.placed])

    # --- labels ---------------------------------------------------------------------------------------------------

    def _tag(self) -> None:
        """Label what was placed, and what else of its conversations may have got other labels by that."""
        since: dict[str, Position] = {}  # conversation -> the first place in it where something happened
        for id_, row in self.walked.rows.items():
            conversation = self.walked.placed[id_]
            if conversation is not None:
                position = (-1, "") if conversation == id_ else row.position
                since[conversation] = min(since.get(conversation, position), position)
        seen = self.reading.read(since, self.walked.rows)
        found = [
            tags.MachineTag(id_, verdict.label, verdict.decided_by, verdict.why, verdict.probability)
            for id_, verdicts in zip(seen.ids, self.classifier.classify(seen.subjects), strict=True)
            for verdict in verdicts
        ]
        if self.judged:
            found = self._second(found)
        forgotten = {
            id_ for id_, row in seen.rows.items()
            if row.forgotten and not row.deleted and not self.people.is_bot(row.author_id)
        }  # fmt: skip
        judged = sorted(seen.judged | self.walked.rows.keys())
        tags.replace(self.session, self.source, judged, found, forgotten)

    def _second(self, found: list[tags.MachineTag]) -> list[tags.MachineTag]:
        """What was unsure as the outside judge decided it, where it was asked."""
        unsure = {tag.external_id for tag in found if tag.decided_by == tags.UNSURE}
        said = opinions.of(self.session, self.source, unsure) if unsure else {}
        decided = []
        for tag in found:
            verdict, judge = said.get((tag.external_id, tag.label), (None, ""))
            if tag.decided_by != tags.UNSURE or verdict is None:
                decided.append(tag)
            elif verdict:
                decided.append(
                    tag._replace(decided_by=tags.JUDGE, why=f"An outside judge ({judge}) says so.")
                )
        return decided
