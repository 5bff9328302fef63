"""One round of questions to the judge: within the day's budget, each answer durable before the next question."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from bot.judge.asking import Asking, Trouble, Unusable
from bot.judge.cases import Case, cases
from bot.live.writer import Writer
from bot.settings import Config
from storage import opinions
from storage.database import Database

_A_ROUND = 20
_TOO_MANY_UNUSABLE = 3
_USELESS = 3_600.0


@dataclass
class Round:
    """What came of a round."""

    asked: int = 0
    decided: int = 0
    """Labels that were decided."""
    trouble: str = ""
    """What is wrong with the judge, and the cure; nothing where it answers."""
    wait: float = 0.0
    """Seconds for which not to ask again."""


async def ask_round(
    database: Database, writer: Writer, config: Config, key: str | None, limit: int = _A_ROUND
) -> Round:
    """Ask about the newest messages that wait; whatever is wrong with the judge ends the round, and nothing else."""
    done, unusable = Round(), 0
    waiting = await database.run_reading(_waiting, database, config, limit)
    async with Asking(config.judge, key) as judge:
        for case in waiting:
            # Counted before it is asked: whatever happens then, it is never more than was allowed.
            if not await writer.later(partial(_take, database, config)):
                break
            done.asked += 1
            said: dict[str, bool | None] = dict.fromkeys(case.labels)
            try:
                said = await judge.ask(case)
                unusable = 0
            except Trouble as error:
                done.trouble, done.wait = str(error), error.wait
                if not error.taken:
                    done.asked -= 1
                    await writer.later(partial(_give_back, database))
                break
            except Unusable as error:
                unusable += 1
                if unusable == _TOO_MANY_UNUSABLE:
                    cure = f'Try another model than "{config.judge.model}" in [judge].'
                    done.trouble, done.wait = f"The judge gives no usable answers ({error}). {cure}", _USELESS
            done.decided += sum(verdict is not None for verdict in said.values())
            await writer.later(partial(_keep, database, case, config.judge.model, said))
            if done.trouble:
                break
    if waiting:
        await writer.later(partial(_note, database, done.trouble))
    return done


def _waiting(database: Database, config: Config, limit: int) -> list[Case]:
    with database.read() as session:
        left = config.judge.per_day - opinions.asked(session, datetime.now(UTC).date())
        return cases(session, config, min(limit, left)) if left > 0 else []


def _take(database: Database, config: Config) -> bool:
    with database.write() as session:
        return opinions.take(session, datetime.now(UTC).date(), config.judge.per_day)


def _give_back(database: Database) -> None:
    with database.write() as session:
        opinions.give_back(session, datetime.now(UTC).date())


def _keep(database: Database, case: Case, judge: str, said: dict[str, bool | None]) -> None:
    with database.write() as session:
        opinions.keep(session, case.source_id, case.external_id, case.revision, judge, said)


def _note(database: Database, trouble: str) -> None:
    with database.write() as session:
        opinions.note_trouble(session, trouble)
