"""One source, supervised by itself: served under a lease, restarted when it fails, shown as it is.

Whatever happens to it, the others never notice.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.commands.desk import Desk
from bot.live.backfill import read_history
from bot.live.inbox import Inbox
from bot.live.metrics import Metrics
from bot.live.posting import Poster
from bot.live.writer import Writer
from bot.settings import Run, Source, Tagging
from connectors.base import Connector, load_connector
from connectors.errors import ConnectorError, Misconfigured, Unavailable
from connectors.records import Page
from storage import ingest, leases, states
from storage.database import Database, DatabaseError

_SLOW = 900.0
_LONGEST_PAUSE = 300.0
_HEALTHY_AFTER = 60.0
_SILENT_AFTER = timedelta(minutes=10)
_HELLO = 20.0
_FIRST_WORD = 60.0
_CONNECTING = "It is connecting."
_CLOSING = 5.0

log = logging.getLogger("bot.live.supervisor")


@dataclass(frozen=True, slots=True)
class Service:
    """What all sources of one process share."""

    database: Database
    writer: Writer
    metrics: Metrics
    desk: Desk
    owner: str
    """This process, as leases name it."""
    run: Run
    load: Callable[[str], type[Connector]] = load_connector

    @property
    def lease(self) -> timedelta:
        """How long a lease stands when it is not renewed."""
        return timedelta(seconds=self.run.lease_seconds)


class LeaseLost(Exception):
    """Another process serves the source."""


class Supervisor:
    """Serves one source until cancelled."""

    def __init__(self, name: str, source: Source, secrets: dict[str, str], service: Service) -> None:
        self.name = name
        self.source = source
        self.secrets = secrets
        self._service = service
        self._again = asyncio.Event()
        self._inbox: Inbox | None = None
        self._fraction: float | None = None
        """How much of the history that is missing has been read; None while none is."""
        self.why: str | None = "It is starting."
        """What is wrong, with its cure; None while all is well."""
        self._id = 0

    @property
    def connected(self) -> bool:
        """The platform has been heard of, and not too long ago."""
        heard = self._inbox.heard_at if self._inbox else None
        return heard is not None and datetime.now(UTC) - heard < _SILENT_AFTER

    def retry(self) -> None:
        """Try again at once what waits."""
        self._again.set()

    async def serve(self) -> None:
        """Serve, and begin again after each failure: soon, then less and less often; as told where we are told."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve_once()
                raise Unavailable("The connector stopped listening by itself; it is started again.")  # noqa: TRY301 - one more way to fail
            except Exception as error:  # noqa: BLE001 - whatever it was, it is told, and tried again
                lasted = asyncio.get_running_loop().time() - began
                failures = 1 if lasted > _HEALTHY_AFTER else failures + 1
                pause = self._judge(error, _backoff(failures))
                if not isinstance(error, LeaseLost):  # else whoever serves it writes down how it fares
                    await self.rest(self.why or "")
            await self._wait(pause)

    async def rest(self, why: str) -> None:
        """Write down that the source is not served for now."""
        self._service.metrics.up(self.name, connected=False)
        if self._id:
            await self._service.writer.first(
                lambda session: states.write(session, self._id, connected=False, why=why, fraction=None)
            )

    def _judge(self, error: Exception, backoff: float) -> float:
        """Say what is wrong; returns after how many seconds to try again."""
        before, self.why = self.why, str(error)
        match error:
            case LeaseLost():
                if before != self.why:
                    log.info("%s", error, extra={"source": self.name})
                # As often as a lease is renewed: the other one may have died.
                return self._service.run.lease_seconds / 3
            case Misconfigured():
                pause = self._tell("misconfigured", error, _SLOW)
            case Unavailable():
                pause = self._tell("unavailable", error, max(error.retry_after, backoff))
            case ConnectorError():
                pause = self._tell("unreadable", error, backoff)
            case DatabaseError():
                pause = self._tell("database", error, backoff)
            case _:
                self.why = (
                    f"Something went wrong that should not ({type(error).__name__}); it is tried again."
                )
                pause = self._tell("unexpected", error, backoff)
        return pause

    def _tell(self, kind: str, error: Exception, pause: float) -> float:
        self._service.metrics.error(self.name, kind)
        unexpected = error if kind == "unexpected" else None
        words = "something went wrong that should not" if unexpected else str(error)
        log.warning("%s", words, extra={"source": self.name, "kind": kind}, exc_info=unexpected)
        return pause

    async def _wait(self, seconds: float) -> None:
        await _soon(self._again, seconds)
        self._again.clear()

    # --- one life -------------------------------------------------------------------------------------------------

    async def _serve_once(self) -> None:
        service = self._service
        self._id = await service.writer.first(
            lambda session: ingest.source_id(session, self.name, self.source.connector)
        )
        await self._take_lease()
        self._inbox = Inbox(self.name, self._id, service.writer, service.metrics, service.desk)
        self._fraction = 0.0
        try:
            self.why = _CONNECTING
            connector = service.load(self.source.connector)(
                connector_settings(self.source, service.run, service.desk.config.tagging), self.secrets
            )
            service.desk.attach(self.name, connector)
            try:
                await _first_of(
                    connector.listen(self._inbox),
                    self._read(connector, self._inbox),
                    self._keep(self._inbox),
                    self._post(connector, self._inbox),
                )
            finally:
                service.desk.detach(self.name)
                await _closed(connector)
        finally:
            self._inbox, self._fraction = None, None
            await self._release()

    async def _take_lease(self) -> None:
        service = self._service
        held = await service.writer.first(
            lambda session: leases.take(session, self._id, service.owner, service.lease)
        )
        if not held:
            found = await service.writer.first(lambda session: leases.holder(session, self._id))
            who = f"another process ({found[0]})" if found else "another process"
            raise LeaseLost(f"It is served by {who}; this one takes over when that one stops.")

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._service.writer.first(
                    lambda session: leases.release(session, self._id, self._service.owner)
                )
        except (TimeoutError, DatabaseError):
            log.info("the lease is left to expire", extra={"source": self.name})

    async def _keep(self, inbox: Inbox) -> None:
        """Renew the lease, and write down how the source fares, three times as often as the lease needs it."""
        began = asyncio.get_running_loop().time()
        while True:
            try:
                async with asyncio.timeout(self._service.run.lease_seconds * 2 / 3):
                    await self._take_lease()
            except TimeoutError:
                raise LeaseLost("The database did not answer while the lease was to be renewed.") from None
            if inbox.heard.is_set():
                self.why = (
                    None if self.connected else "Nothing has been heard of the platform for 10 minutes."
                )
            elif asyncio.get_running_loop().time() - began > _FIRST_WORD and self.why == _CONNECTING:
                where = self.source.api_url or self.source.url or "the platform"
                self.why = (
                    f"There is no answer from {where} yet: check the address and the way to it (a proxy, a firewall, "
                    "DNS). It is tried again and again."
                )
                log.warning("%s", self.why, extra={"source": self.name, "kind": "unavailable"})
            await self._note(inbox)
            await asyncio.sleep(self._service.run.lease_seconds / 3)

    async def _note(self, inbox: Inbox) -> None:
        self._service.metrics.up(self.name, connected=self.connected)
        lag = None if inbox.lag is None else int(inbox.lag * 1_000_000)
        known = {"heard_at": inbox.heard_at, "event_at": inbox.event_at, "lag": lag}
        facts: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
        # What may have been lost is missing from the moment on, not from when reading it begins.
        fraction = 0.0 if self._fraction is None and inbox.lost.is_set() else self._fraction
        facts |= {"connected": self.connected, "why": self.why, "fraction": fraction}
        await self._service.writer.first(lambda session: states.write(session, self._id, **facts))

    # --- history and posts ----------------------------------------------------------------------------------------

    async def _read(self, connector: Connector, inbox: Inbox) -> None:
        """Catch up at first and after each gap; sweep now and then. A failure is tried again; listening goes on."""
        service, failures = self._service, 0
        # What happens between the end of the reading and the beginning of the listening would be lost.
        await _soon(inbox.heard, _HELLO)
        heard = inbox.heard.is_set()
        inbox.lost.set()
        swept_at = await service.writer.first(
            lambda session: getattr(states.read(session, self._id), "swept_at", None)
        )
        every = timedelta(hours=service.run.sweep_hours)
        while True:
            if not heard and inbox.heard.is_set():
                heard = True
                inbox.lost.set()
            due = swept_at + every if swept_at else datetime.now(UTC)
            try:
                if inbox.lost.is_set():
                    inbox.lost.clear()
                    await self._catch_up(connector, inbox, sweep=False)
                elif every and due <= datetime.now(UTC):
                    swept_at = await self._catch_up(connector, inbox, sweep=True)
                else:
                    wait = (due - datetime.now(UTC)).total_seconds() if every else 3600.0
                    await _soon(inbox.lost if heard else inbox.heard, max(wait, 0.0))
                failures = 0
            except Misconfigured:
                raise
            except (ConnectorError, DatabaseError) as error:
                failures += 1
                kind = "unavailable" if isinstance(error, Unavailable) else "history"
                told = error.retry_after if isinstance(error, Unavailable) else 0.0
                pause = self._tell(kind, error, max(told, _backoff(failures)))
                inbox.lost.set()
                await asyncio.sleep(pause)
            except Exception as error:  # noqa: BLE001 - a defect in reading history must not end the listening
                failures += 1
                pause = self._tell("unexpected", error, _backoff(failures))
                inbox.lost.set()
                await asyncio.sleep(pause)

    async def _catch_up(self, connector: Connector, inbox: Inbox, *, sweep: bool) -> datetime:
        """Read history once; returns when it began."""
        service, began = self._service, datetime.now(UTC)
        start = began - timedelta(days=self.source.history_days)
        since = await service.writer.first(lambda session: states.begin_history(session, self._id, start))
        if sweep:
            since = max(since, began - timedelta(days=service.run.sweep_days))

        def on_page(page: Page) -> None:
            inbox.note_refusals(page)
            fraction = page.fraction if page.fraction is not None else self._fraction or 0.0
            service.metrics.catching_up(self.name, fraction)
            if not sweep:  # which reads again what is known
                self._fraction = fraction

        if not sweep:
            self._fraction = 0.0
        try:
            await read_history(
                connector, service.database, service.writer, self._id, since, sweep=sweep, on_page=on_page
            )
        finally:
            service.metrics.catching_up(self.name, None)
        done: dict[str, Any] = {"swept_at": began}
        if not sweep:
            self._fraction = None
            done = {"caught_up_at": began, "fraction": None}
        await service.writer.first(lambda session: states.write(session, self._id, **done))
        log.info("history was read", extra={"source": self.name, "kind": "sweep" if sweep else "catch-up",
                                            "seconds": round((datetime.now(UTC) - began).total_seconds(), 3)})  # fmt: skip
        return began

    async def _post(self, connector: Connector, inbox: Inbox) -> None:
        """Send what waits to be said, as soon as the platform was heard of."""
        await inbox.heard.wait()
        service = self._service
        poster = Poster(service.writer, connector, self._id, service.owner, service.lease * 2)
        while True:
            outcome = await poster.publish_next()
            if outcome is None:
                await asyncio.sleep(service.run.lease_seconds / 6)
            else:
                service.metrics.posted(self.name, outcome.state)
                log.info("a post is %s", outcome.state, extra={"source": self.name, "kind": "post"})


def connector_settings(source: Source, run: Run, tagging: Tagging | None = None) -> dict[str, Any]:
    """What a connector is told: the settings of its source, how far back it rereads, and what reactions mean."""
    emoji = dict(tagging.emoji) if tagging else {}
    return source.model_dump(mode="json") | {"sweep_days": run.sweep_days, "emoji": emoji}


def _backoff(failures: int) -> float:
    # With jitter, so that everything that a platform dropped at once does not come back at once.
    longest = min(0.25 * float(2 ** min(failures, 16)), _LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends or fails; the others are cancelled, and its failure is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # More than once: asyncio.wait_for (before Python 3.12) swallows a cancellation that comes as it ends.
        while waiting := [task for task in tasks if not task.done()]:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=1)
    # All are asked, or Python would complain of the others: what breaks one often breaks more of them.
    failures = [None if task.cancelled() else task.exception() for task in tasks]
    for task, failure in zip(tasks, failures, strict=True):
        if task in done and failure is not None:
            raise failure


async def _closed(connector: Connector) -> None:
    try:
        async with asyncio.timeout(_CLOSING):
            await connector.close()
    except Exception:
        log.exception("a connector could not be closed")


async def _soon(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
