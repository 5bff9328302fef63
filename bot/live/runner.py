"""`spaces run`: every source that has credentials, what follows from what they say, and the signals of the system."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from bot import learning
from bot.commands.desk import Desk
from bot.environment import JUDGE_KEY, read_secret, source_secrets
from bot.judge.rounds import ask_round
from bot.live.health import Health
from bot.live.metrics import Metrics
from bot.live.supervisor import Service, Supervisor
from bot.live.writer import Writer
from bot.mistakes import ConfigError
from bot.schedules.composition import compose
from bot.schedules.rounds import Rounds
from bot.settings import Config, Source
from bot.tagger import drain
from connectors.base import Connector, load_connector
from storage import ingest, population, requests, retention, sweeps
from storage.database import Database, DatabaseError

_SETTLE_EVERY = 5.0
_JUDGE_EVERY = 60.0
_CLEAN_EVERY = timedelta(hours=1)
_STOPPING = 8.0
_REMEMBERED = timedelta(days=7)
_BATCH = 100

log = logging.getLogger("bot.live.runner")


class Runner:
    """One process that serves all sources of a configuration, until `stop` is called or a signal comes.

    `reread` gives the configuration anew; `on_secrets` is told every secret, so that none is ever logged.
    """

    def __init__(
        self,
        database: Database,
        config: Config,
        reread: Callable[[], Config],
        *,
        environ: Mapping[str, str] = os.environ,
        on_secrets: Callable[[set[str]], None] = lambda _secrets: None,
        load: Callable[[str], type[Connector]] = load_connector,
    ) -> None:
        self._database = database
        self._config = config
        self._reread = reread
        self._environ = environ
        self._on_secrets = on_secrets
        self._load = load
        self._metrics = Metrics()
        self._stopping = asyncio.Event()
        self._writer = Writer(database)
        self._desk = Desk(database, self._writer, config, self._metrics)
        self._served: dict[str, tuple[Supervisor, asyncio.Task[None]]] = {}
        self._health = Health(self._metrics, self._ready)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._judge_key: str | None = None
        self._reloaded = asyncio.Event()
        """Set when there is another configuration: what waits for long looks at it."""
        self._tagged = 0
        """Since the last look for texts that are not to be kept."""
        self._rounds = Rounds(
            database, self._writer, self._metrics, config, self._owner, compose, self._derive
        )
        self.started = asyncio.Event()
        """Set when the sources are being served and health can be asked."""

    @property
    def port(self) -> int:
        """Where health can be asked."""
        return self._health.port

    async def run(self) -> None:
        """Serve until told to stop; then stop cleanly.

        Raises:
            ConfigError: the port for health is taken, or a secret cannot be read.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        await self._health.start(self._config.run.port)
        try:
            async with self._writer:
                self._serve(self._config)
                log.info("running", extra={"port": self.port, "count": len(self._served)})
                following = [
                    asyncio.create_task(task) for task in (self._settle(), self._rounds.run(), self._judge())
                ]
                self.started.set()
                await self._stopping.wait()
                log.info("stopping")
                for task in following:
                    task.cancel()
                await asyncio.wait(following, timeout=_STOPPING)
                await self._rest(list(self._served))
        finally:
            await self._health.stop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
        log.info("stopped")

    def stop(self) -> None:
        """Stop soon, with nothing lost."""
        self._stopping.set()

    def reload(self) -> None:
        """Read the configuration again; one with mistakes is told, and the old one stays."""
        try:
            config = self._reread()
            wanted = self._wanted(config)
        except (ConfigError, OSError) as error:
            log.error("the configuration was not taken over: %s", error)  # noqa: TRY400 - it is a sentence
            return
        if config.run.port != self._config.run.port or config.database != self._config.database:
            log.warning("another port or database is taken over only when the program starts again")
        same_run = config.run == self._config.run
        ended = [
            name for name, (supervisor, _) in self._served.items()
            if not same_run or name not in wanted or wanted[name] != supervisor.secrets
            or config.sources[name] != supervisor.source
        ]  # fmt: skip
        for name, (supervisor, _) in self._served.items():
            if name not in ended:
                supervisor.retry()
        self._config = self._desk.config = self._rounds.config = config
        self._reloaded.set()
        self._changing = asyncio.create_task(self._change(ended, config))
        log.info("the configuration was read again", extra={"count": len(wanted)})

    async def _change(self, ended: list[str], config: Config) -> None:
        await self._rest(ended)
        self._serve(config)

    # --- sources --------------------------------------------------------------------------------------------------

    def _wanted(self, config: Config) -> dict[str, dict[str, str]]:
        self._judge_key = read_secret(JUDGE_KEY, self._environ)
        found = {name: source_secrets(name, self._environ) for name in config.sources}
        return {name: said for name, said in found.items() if said}

    def _serve(self, config: Config) -> None:
        """Begin to serve every source that has credentials and is not served yet."""
        wanted = self._wanted(config)
        key = {self._judge_key} if self._judge_key else set()
        self._on_secrets({secret for said in wanted.values() for secret in said.values()} | key)
        service = Service(
            self._database, self._writer, self._metrics, self._desk, self._owner, config.run, self._load
        )
        for name, source in config.sources.items():
            if name in self._served:
                continue
            if name not in wanted:
                log.info("no credentials in the environment: it is not served", extra={"source": name})
                continue
            supervisor = Supervisor(name, source, wanted[name], service)
            self._served[name] = supervisor, asyncio.create_task(supervisor.serve(), name=name)

    async def _rest(self, names: list[str]) -> None:
        """Stop serving these sources; whoever does not stop in time is left behind."""
        leaving = [self._served.pop(name) for name in names]
        for _, task in leaving:
            task.cancel()
        if leaving:
            _, late = await asyncio.wait([task for _, task in leaving], timeout=_STOPPING)
            for task in late:
                log.error("it did not stop in time", extra={"source": task.get_name()})
        for supervisor, _ in leaving:
            try:
                async with asyncio.timeout(1):
                    await supervisor.rest("It is not running. Start it with: spaces run")
            except (TimeoutError, DatabaseError):
                log.info("it is not written down that it stopped", extra={"source": supervisor.name})

    async def _ready(self) -> dict[str, str | None]:
        try:
            await self._database.run(_ask, self._database)
            answer = self._writer.trouble
        except DatabaseError as error:
            answer = str(error)
        sources = {
            name: None if supervisor.connected else supervisor.why or "It is connecting."
            for name, (supervisor, _) in self._served.items()
        }
        return {"database": answer, **sources}

    # --- what follows from what they say --------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Keep everything derived up to date, and forget what is not to be kept."""
        cleaned = datetime.min.replace(tzinfo=UTC)
        while True:
            try:
                await self._derive()
                tagged, self._tagged = self._tagged, 0
                is_hourly = datetime.now(UTC) - cleaned > _CLEAN_EVERY
                if is_hourly:
                    await self._writer.later(partial(_forget_old, self._database))
                    cleaned = datetime.now(UTC)
                if is_hourly and self._config.tagging.classifier == "model":
                    await self._learn()
                for name, source in self._config.sources.items():
                    # What is never kept goes as soon as it is tagged; looking for what grew old takes longer.
                    if source.keep_text_days is not None and (
                        is_hourly or (tagged and not source.keep_text_days)
                    ):
                        await self._writer.later(partial(_forget_texts, self._database, name, source))
            except Exception:
                self._metrics.error("", "settle")
                log.exception("what is derived could not be brought up to date")
            await asyncio.sleep(_SETTLE_EVERY)

    async def _derive(self) -> None:
        """Bring everything derived up to date, in pieces that live events need not wait for."""
        await self._writer.later(partial(_population, self._database, self._config))
        decides = await self._database.run(learning.classifier, self._database, self._config)
        tag = partial(
            drain, self._database, batch=_BATCH, batches=1, classifier=decides,
            topic_tags=self._config.tagging.topic_tags, judged=self._config.judge.is_on,
        )  # fmt: skip
        while some := await self._writer.later(tag):
            self._tagged += some
            self._writer.changes += 1

    async def _judge(self) -> None:
        """Ask for a second opinion, where the operator named somebody to ask; its failures are its own."""
        told = ""
        while True:
            wait = 0.0
            if self._config.judge.is_on:
                try:
                    done = await ask_round(self._database, self._writer, self._config, self._judge_key)
                    trouble, wait = done.trouble, done.wait
                    if done.asked:
                        log.info(
                            "asked the judge about %d messages", done.asked, extra={"count": done.decided}
                        )
                except DatabaseError as error:
                    trouble = str(error)
                except Exception:
                    trouble = "asking the judge failed"
                    log.exception("the judge could not be asked")
                if trouble:
                    self._metrics.error("", "judge")
                if trouble and trouble != told:
                    log.warning("%s", trouble)
                told = trouble
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(wait, _JUDGE_EVERY)):
                    await self._reloaded.wait()
            self._reloaded.clear()

    async def _learn(self) -> None:
        """Learn from the moderators' verdicts, once a day where there are new ones."""
        if not await self._database.run_reading(learning.is_due, self._database):
            return
        found = await learning.learn_beside(self._database)
        log.info("learned from %d verdicts: %s", found.verdicts, ", ".join(found.gains) or "nothing better")


def _ask(database: Database) -> None:
    with database.read() as session:
        session.connection().exec_driver_sql("SELECT 1")


def _population(database: Database, config: Config) -> None:
    with database.write() as session:
        population.settle(session, config.policy())


def _forget_texts(database: Database, name: str, source: Source) -> None:
    days = source.keep_text_days
    with database.write() as session:
        id_ = ingest.source_id(session, name, source.connector)
        retention.forget_texts(session, id_, datetime.now(UTC) - timedelta(days=days) if days else None)


def _forget_old(database: Database) -> None:
    with database.write() as session:
        sweeps.forget(session.connection(), datetime.now(UTC) - _REMEMBERED)
        requests.forget(session, datetime.now(UTC) - _REMEMBERED)
