"""Posting: written down first, sent with our own key, and looked for before it is ever sent again."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from bot.live.writer import Writer
from connectors.base import Connector
from connectors.errors import ConnectorError, Misconfigured, Unavailable
from connectors.records import Post
from storage import posts
from storage.posts import FAILED, INTENDED, SENT, UNKNOWN, Claim

_MOST_TRIES = 12
_SLOW = 900.0

log = logging.getLogger("bot.live.posting")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a post; `state` is one of `storage.posts`'s, `why` says what went wrong."""

    state: str
    external_id: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Poster:
    """Sends the posts of one source. `patience` is how long one attempt may take, and its claim stand."""

    writer: Writer
    connector: Connector
    source_id: int
    owner: str
    patience: timedelta

    async def publish(self, place: str, purpose: str, post: Post) -> Outcome:
        """Say something once: whoever asks again for the same purpose and place gets what became of the first.

        A post without a key is given one. When another process is about to send it, its state is returned as it is.
        """
        await self.writer.first(lambda session: posts.intend(session, self.source_id, place, purpose, post))
        claimed = await self._claim(place, purpose)
        if claimed is not None:
            return await self._send(claimed)
        found = await self.writer.first(lambda session: _outcome(session, self.source_id, place, purpose))
        assert found is not None  # noqa: S101 - it was written above, and posts are never deleted
        return found

    async def publish_next(self) -> Outcome | None:
        """Send the oldest post that waits, or find out what became of it; None when none waits."""
        claimed = await self._claim("", "")
        return None if claimed is None else await self._send(claimed)

    async def _claim(self, place: str, purpose: str) -> Claim | None:
        # The claim stands longer than the attempt, so that nobody takes it up while it may still be sent.
        length = self.patience * 2
        return await self.writer.first(
            lambda session: posts.claim(session, self.source_id, self.owner, length, place, purpose)
        )

    async def _send(self, claimed: Claim) -> Outcome:
        outcome, pause = await self._attempt(claimed)
        if outcome.state != SENT and claimed.tries >= _MOST_TRIES:
            outcome = replace(outcome, state=FAILED)
        settled = partial(
            posts.settle, source_id=self.source_id, owner=self.owner, claimed=claimed, state=outcome.state,
            external_id=outcome.external_id, why=outcome.why,
            retry_at=None if outcome.state in {SENT, FAILED} else datetime.now(UTC) + timedelta(seconds=pause),
        )  # fmt: skip
        await self.writer.first(settled)
        return outcome

    async def _attempt(self, claimed: Claim) -> tuple[Outcome, float]:
        """Try once; returns what came of it, and after how many seconds to try again where it is still open."""
        is_first = claimed.tries == 1
        before = INTENDED if is_first else UNKNOWN
        soon = min(0.1 * 2**claimed.tries, 60.0)
        found: str | None = None
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                if not is_first:
                    found = await self.connector.find(claimed.place, claimed.post.key)
                if found is None:
                    found = await self.connector.post(claimed.place, claimed.post)
        except Misconfigured as error:
            return Outcome(before, why=str(error)), _SLOW
        except Unavailable as error:
            return Outcome(before, why=str(error)), max(error.retry_after, soon)
        except (ConnectorError, TimeoutError) as error:
            return Outcome(UNKNOWN, why=str(error) or "The platform did not answer in time."), soon
        except Exception as error:
            log.exception("a post failed in a way that it should not")
            return Outcome(UNKNOWN, why=f"{type(error).__name__}. Please report it."), _SLOW
        return Outcome(SENT, found), 0.0


def _outcome(session: Session, source_id: int, place: str, purpose: str) -> Outcome | None:
    found = posts.find(session, source_id, place, purpose)
    return None if found is None else Outcome(found.state, found.external_id, found.why)
