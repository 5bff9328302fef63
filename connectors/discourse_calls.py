"""Asking a forum: off the event loop, at the pace it told, again where that is safe.

`Calls` knows no library: what it calls is blocking, tries once, and raises one of the errors below.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from connectors.errors import Misconfigured, Unavailable, Unsure

THREADS = 2

_log = logging.getLogger("connectors.discourse")
_TRIES = 7
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
_TELLING, _LEAST_CALM = 10, 1.0
_UNLIMITED = 10_000
"""So many calls at a time are limited by nobody."""
_LONGEST_PAUSE = 120.0
_MOMENT = 0.05
_TOO_MANY = 429

URGENT = ContextVar("URGENT", default=False)
"""Set where somebody waits for what is asked: it goes before history, which can wait."""


class Limited(Exception):
    """The forum wants us to wait; nothing was done."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Lost(Exception):
    """No answer, or one of a broken server: what was asked may have happened, or not."""


class Told(Exception):
    """The forum said no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status

    @property
    def is_gone(self) -> bool:
        """There is no such thing, or no longer."""
        return self.status in {404, 410}


class NoList(Exception):
    """The forum gives no list of its newest posts, to nobody or not to this key: its topics tell of them."""


def abandon(task: "asyncio.Task[Any]") -> None:
    """Cancel what nobody waits for any more, however it has ended or ends."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


class Pace:
    """When the next call may go out: not before the moment the forum named, and no more at a time than it took.

    How many it takes in which time is learned from its own words: so many went through, and after so many seconds
    it takes new ones; a few calls teach nothing, since they may have been far apart for other reasons. After a time as
    long as it asked for, at least a second, without a complaint, the number is doubled.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed_until = 0.0
        self._sent: deque[float] = deque()
        self._most = 0
        """How many calls fit into `_window` seconds; 0: nobody said."""
        self._window = 0.0
        self._calm_since = 0.0
        self._asked = _LEAST_CALM
        """For how many seconds the forum last wanted us to wait."""

    def wait(self) -> float:
        """Seconds until the next call may go out; 0 takes the place."""
        now = self._clock()
        if now < self._closed_until:
            return self._closed_until - now
        if self._most:
            if now - self._calm_since >= self._asked:
                self._most, self._calm_since = (self._most * 2 if self._most < _UNLIMITED else 0), now
            while self._sent and now - self._sent[0] >= self._window:
                self._sent.popleft()
            if len(self._sent) >= self._most > 0:
                return min(self._window - (now - self._sent[0]), self._asked - (now - self._calm_since))
        self._sent.append(now)
        if not self._most and len(self._sent) > _UNLIMITED:
            self._sent.popleft()
        return 0.0

    def told(self, seconds: float) -> None:
        """The forum said: not before so many seconds from now."""
        now = self._clock()
        if now >= self._closed_until:
            # The call that was refused does not count; of the others, those that together were fastest.
            best = 0.0
            for taken, first in enumerate(list(reversed(self._sent))[1:], 1):
                window = now - first + seconds
                if taken >= _TELLING and taken / window > best:
                    best, self._most, self._window = taken / window, taken, window
            self._sent.clear()
        self._closed_until = max(self._closed_until, now + seconds)
        self._calm_since, self._asked = self._closed_until, max(seconds, _LEAST_CALM)


class Calls:
    """Makes blocking calls on threads of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="discourse")
        self._pace = Pace()
        self._closed = False
        self.tries = _TRIES
        """How often a question is put that is not answered."""
        self._urgent = 0
        """How many calls wait that go before the others."""

    async def read(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Ask for something that may be asked twice.

        Raises:
            Told: the forum said no.
            Unavailable: it does not answer, however often it is asked.
        """
        wait = _FIRST_WAIT
        for left in reversed(range(self.tries)):
            try:
                return await self._once(call, *args, **more)
            except Lost as error:
                if not left:
                    raise Unavailable(
                        f"The forum at {self._address} does not answer ({error}): check `url` and the way to it (a proxy, a "
                        "firewall, DNS). It is tried again by itself.",
                        _LONGEST_WAIT,
                    ) from error
                _log.info("the forum did not answer (%s), trying again", error)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    async def write(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Ask for something that must not happen twice: tried once.

        Raises:
            Told: the forum said no.
            Unsure: nobody knows whether it happened.
        """
        try:
            return await self._once(call, *args, longest=_LONGEST_PAUSE, **more)
        except Lost as error:
            raise Unsure(
                f"The forum at {self._address} did not say whether the post was made ({error})."
            ) from error

    async def _once(
        self, call: Callable[..., Any], *args: Any, longest: float = float("inf"), **more: Any
    ) -> Any:
        """One try; a call that the forum did not take for being too early is no try.

        A wait of more than `longest` seconds is a no: it is about what was asked (so many a day), not about our pace.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._turn()
            if self._closed:
                raise Unavailable(f"The connection to the forum at {self._address} was closed.")
            try:
                return await loop.run_in_executor(self._threads, lambda: call(*args, **more))
            except Limited as limited:
                if limited.seconds > longest:
                    raise Told(_TOO_MANY, f"not for the next {limited.seconds:.0f} s") from limited
                _log.info("the forum asks for a pause of %.1f s", limited.seconds)
                self._pace.told(limited.seconds)

    async def _turn(self) -> None:
        """Wait until a call may go out; first those that somebody waits for."""
        is_urgent = URGENT.get()
        self._urgent += is_urgent
        try:
            while wait := self._pace.wait() if is_urgent or not self._urgent else _MOMENT:  # noqa: ASYNC110 - time itself is what is waited for
                await asyncio.sleep(wait)
        finally:
            self._urgent -= is_urgent

    def close(self) -> None:
        """Take no more calls; those under way end with their sockets."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)


def stranger(address: str) -> Misconfigured:
    """What to say when something else answers."""
    return Misconfigured(
        f"What answers at {address} is no Discourse forum: set `url` to the address of the forum."
    )


def denied(address: str) -> Misconfigured:
    """What to say when the forum accepts neither the key nor its user."""
    return Misconfigured(
        f"The forum at {address} does not accept the API key for this user. Make a key at {address}/admin/api/keys "
        "for the user that is set as `user`, with the scopes named in docs/setup-discourse.md."
    )
