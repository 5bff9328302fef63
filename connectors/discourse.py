"""A live Discourse forum. The only module that knows pydiscourse; what it asks for is said by its neighbours."""

import asyncio
import contextlib
import email.utils
import socket
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit
from weakref import WeakSet

import orjson
import requests
from pydiscourse import DiscourseClient
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connectors.base import Held, Inbox
from connectors.discourse_askers import Askers
from connectors.discourse_asking import Asking
from connectors.discourse_calls import Calls, Limited, Lost, NoList, Told
from connectors.discourse_check import Facts, look
from connectors.discourse_forum import Forum
from connectors.discourse_history import History
from connectors.discourse_live import Hooks, Live
from connectors.discourse_people import everybody
from connectors.discourse_posts import Writer
from connectors.discourse_topics import Topics
from connectors.errors import ConnectorError, Misconfigured, UnreadablePayload
from connectors.records import Finding, Page, Post

_TIMEOUTS = (5.0, 30.0)
_UNTOLD_WAIT = 10.0
_REDIRECTS = 3
_CHECKING = 3


class DiscourseConnector:
    """Reads a forum by asking it, and posts on it.

    Settings: `url` (the forum's address), `user` (whose name the API key acts in), `poll_seconds`, `listen`
    (host:port for webhooks), `include` (categories that not everybody may read). Secrets: `api_key`, `webhook_secret`.

    A key of /admin/api/keys with user level "Single User" and scope "Global" (or "Read-only", where nothing is posted
    or answered) is enough. Of granular scopes it needs topics: read, read_lists, write; posts: list, edit; users: show,
    list; uploads: create; categories: list, show; groups: list, manage_groups (to see their members); and the site's
    `/site.json` must be open to its user. No granular scope lets it hear what people ask.
    """

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        address = str(settings.get("url") or "").rstrip("/")
        self._settings = settings
        self._secrets = secrets
        self._client = _Client(
            address, str(settings.get("user") or "system"), secrets.get("api_key") or "",
            settings.get("timeout_seconds"),
        )  # fmt: skip
        self._calls = Calls(address)
        self._forum = Forum(self._client, self._calls, settings, address)
        self._history = History(self._forum)
        self._topics = Topics(self._forum)
        self._live = Live(self._forum, self._history, self._topics)
        self._writer = Writer(self._forum)
        self._askers = Askers(self._forum)
        self._asking = Asking(self._forum, self._writer, self._askers)
        self.hooks = Hooks(self._live, secrets.get("webhook_secret") or "", self._asking.news.hint)

    async def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool = False
    ) -> AsyncIterator[Page]:
        """Read history: categories, posts (all of them again with `sweep`), topics that differ, and accounts."""
        began, seen, is_listless = datetime.now(UTC), set[int](), False
        try:
            yield await self._history.places(cursors)
            posts = (
                self._history.again(since, seen)
                if sweep
                else self._history.posts(cursors, since, self._live.mark)
            )
            try:
                async for page in posts:
                    yield page
            except NoList:
                is_listless = True
            topics = (
                self._topics.sweep(since, held, seen, began) if sweep
                else self._topics.catch_up(cursors, since, held, whole=is_listless)
            )  # fmt: skip
            async for page in topics:
                yield page
            if sweep or "people" not in cursors:
                async for page in everybody(self._forum, held):
                    yield page
                    self._live.people = page.cursor or self._live.people
        except (Told, KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._unreadable(error) from error

    async def listen(self, inbox: Inbox) -> None:
        """Ask for what is new every `poll_seconds`, and whenever a webhook says so, until cancelled.

        In the same rhythm people are heard who mention the bot or send it private messages.
        """
        address, pause = (
            str(self._settings.get("listen") or ""),
            float(self._settings.get("poll_seconds") or 60),
        )
        try:
            if address:
                await self.hooks.start(address)
            await _both(self._live.run(inbox, pause), self._asking.run(inbox, pause))
        except (Told, KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._unreadable(error) from error
        finally:
            await self.hooks.stop()

    async def post(self, place: str, post: Post) -> str:
        """Post a topic ("category"), a reply ("category/topic") or a private message ("@user"); returns the post's id."""
        return await self._writer.post(place, post)

    async def find(self, place: str, key: str) -> str | None:
        """The post that was sent with this key: a topic by its external id, a reply by the comment in it."""
        return await self._writer.find(place, key)

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace a post, and the title of the topic that it opens."""
        await self._writer.edit(place, id_, post)

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these categories a member can read now: needs a key that sees the categories' permissions."""
        return await self._askers.readable(member_id, channel_ids)

    async def check(self, places: Sequence[str] = ()) -> list[Finding]:
        """Try address, key, rights, clock, webhooks, and the places to post to."""
        self._calls.tries = _CHECKING  # somebody waits for it
        facts = Facts(
            str(self._settings.get("user") or "system"), bool(self._secrets.get("api_key")),
            str(self._settings.get("listen") or ""), bool(self._secrets.get("webhook_secret")),
            tuple(places),
        )  # fmt: skip
        return await look(self._forum, facts, lambda: self._client.skew)

    async def close(self) -> None:
        """Give back sockets and threads at once; calls under way fail."""
        await self.hooks.stop()
        self._calls.close()
        self._client.close()

    def _unreadable(self, error: Exception) -> ConnectorError:
        """What nobody expected of a forum."""
        return UnreadablePayload(
            f"The forum at {self._forum.address} answered something unknown ({type(error).__name__}: {str(error)[:80]}). "
            "Please report it with the forum's version."
        )


async def _both(*work: Coroutine[Any, Any, None]) -> None:
    """Do these until one ends or fails; then the others are stopped too."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Client(DiscourseClient):  # type: ignore[misc] # it has no types
    """The library's calls over kept connections: one try each, no sleeping, and errors that say what to do."""

    def __init__(self, address: str, user: str, key: str, timeout: float | None = None) -> None:
        super().__init__(address, user, key, timeout=(timeout, timeout) if timeout else _TIMEOUTS)
        self.skew: float | None = None
        """How many seconds the forum's clock is ahead of ours."""
        self._local = threading.local()
        self._sockets: WeakSet[Any] = WeakSet()
        self._closed = threading.Event()

    def _request(
        self, verb: str, path: str, params: Any = None, files: Any = None, data: Any = None, json: Any = None,
        override_request_kwargs: Any = None,
    ) -> Any:  # fmt: skip
        if not self.host.startswith(("http://", "https://")):
            raise Misconfigured("The forum has no address. Set `url` of the source to its https:// address.")
        headers = {"Accept": "application/json", "Api-Key": self.api_key, "Api-Username": self.api_username}
        more = {
            "params": params,
            "files": files,
            "data": data,
            "json": json,
            **(override_request_kwargs or {}),
        }
        url = self.host + path
        # A kept connection may have been closed meanwhile: harmless where asking again is.
        session = self._session() if verb == "GET" else self._fresh()
        try:
            for _ in range(_REDIRECTS):
                response = session.request(
                    verb, url, headers=headers, timeout=self.timeout, allow_redirects=False, **more
                )
                if not response.is_redirect:
                    return self._answer(response)
                url = self._moved(verb, url, response.headers["Location"])
                if urlsplit(url).query:  # the way on may say all of it anew, or nothing
                    more["params"] = None
        except requests.Timeout as error:
            raise Lost("no answer in time") from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            raise Misconfigured(
                f"The forum's address {self.host} or its key cannot be used ({type(error).__name__}). "
                "Set `url` to its https:// address, and the key as shown once at /admin/api/keys."
            ) from error
        except requests.RequestException as error:
            raise Lost(_way(error)) from error
        finally:
            if verb != "GET":
                session.close()
        raise Lost("it sends us round in circles")

    def _answer(self, response: requests.Response) -> Any:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            self.skew = email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Limited(_wait(response))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Lost(f"status {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise Told(status, _errors(response))
        if not response.content.strip():
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise Lost("its answer is no JSON, so it may be no Discourse forum") from error

    def _moved(self, verb: str, url: str, location: str) -> str:
        """Follow a way within the forum only: the key is for nobody else."""
        target = urljoin(url, location)
        here, there = urlsplit(self.host), urlsplit(target)
        if verb == "GET" and (here.scheme, here.netloc) == (there.scheme, there.netloc):
            return target
        raise Misconfigured(
            f"The forum at {self.host} sends us on to {there.scheme}://{there.netloc}. Set `url` of the source to that, "
            "or check that the API key is good and the forum is set up."
        )

    def _session(self) -> requests.Session:
        found: requests.Session | None = getattr(self._local, "session", None)
        if found is None:
            found = self._local.session = self._fresh()
        return found

    def _fresh(self) -> requests.Session:
        session = requests.Session()
        # Proxies and certificates of the environment are read once, not for each request; passwords in it are not ours.
        found = session.merge_environment_settings(self.host, {}, None, None, None)
        session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
        session.trust_env = False
        adapter = HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = {
            "http": _noted(HTTPConnectionPool, self._sockets, self._closed),
            "https": _noted(HTTPSConnectionPool, self._sockets, self._closed),
        }
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def close(self) -> None:
        """End every connection, whoever waits on it."""
        self._closed.set()
        for connection in list(self._sockets):
            if (open_ := getattr(connection, "sock", None)) is not None:
                try:
                    open_.shutdown(socket.SHUT_RDWR)
                    open_.close()
                except OSError:
                    continue  # it was closed already


def _noted(
    pool: type[HTTPConnectionPool], sockets: "WeakSet[Any]", closed: threading.Event
) -> type[HTTPConnectionPool]:
    """The pool, whose connections can be ended from outside: a thread that waits for an answer does not listen."""

    class Noted(pool.ConnectionCls):  # type: ignore[misc, name-defined] # a class made at run time
        def connect(self) -> None:
            sockets.add(self)
            super().connect()
            if closed.is_set():  # it came just too late to be ended
                self.close()
                raise ConnectionAbortedError

    return type(pool.__name__, (pool,), {"ConnectionCls": Noted})


def _way(error: requests.RequestException) -> str:
    """How the connection failed."""
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    refused = isinstance(error, requests.ConnectionError) and "NewConnectionError" in str(error)
    return "it cannot be reached" if refused else f"the connection failed: {type(error).__name__}"


def _wait(response: requests.Response) -> float:
    """How long the forum wants us to wait: it says so in the body, in a header, or not at all."""
    told = [response.headers.get("Retry-After")]
    with contextlib.suppress(ValueError, KeyError, TypeError):
        told.insert(0, orjson.loads(response.content)["extras"]["wait_seconds"])
    for value in told:
        try:
            return max(float(value), 0.0)  # type: ignore[arg-type] # caught
        except (TypeError, ValueError):
            continue
    return _UNTOLD_WAIT


def _errors(response: requests.Response) -> str:
    """The forum's own words for what is wrong."""
    try:
        found = orjson.loads(response.content)
        return " ".join(map(str, found["errors"]))[:300]
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
