"""What people ask on Slack: commands, menus, buttons, mentions and reactions, each as one `Command`.

Everything here is acknowledged before it begins, and whatever is told twice is done once.
"""

import asyncio
import html
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from weakref import WeakValueDictionary

from connectors.base import Inbox
from connectors.errors import ConnectorError
from connectors.records import Command, Member, Reply
from connectors.slack_answering import Answering, Way
from connectors.slack_blocks import BUTTON
from connectors.slack_emoji import labels, name
from connectors.slack_menus import LABEL, SHORTCUT, TAG, modal, submitted, too_late
from connectors.slack_people import People
from connectors.slack_web import Declined
from connectors.slack_workspace import SHAPE, Workspace
from connectors.values import identity, words

_LOG = logging.getLogger("connectors.slack")

_TRIGGER = 3.0
"""Seconds in which a modal can be opened."""
_REMEMBERED = 10_000
_LAST_WORDS = 0.8

_LINK = re.compile(r"<(?P<kind>[#@!]?)(?P<what>[^<>|]*)(?:\|(?P<words>[^<>]*))?>")

Row = Mapping[str, Any]


class Asking:
    """Takes what the people of one workspace ask, and sees to the answer."""

    def __init__(
        self,
        workspace: Workspace,
        people: People,
        answering: Answering,
        inbox: Inbox,
        emoji: Mapping[str, str],
    ) -> None:
        self._workspace = workspace
        self._people = people
        self._answering = answering
        self._inbox = inbox
        self._labels = labels(emoji) if emoji else {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[None]] = set()
        self._acts: dict[str, Callable[[Row], None]] = {
            "message_action": self._chosen, "view_submission": self._submitted, "block_actions": self._pressed,
        }  # fmt: skip

    async def close(self) -> None:
        """Let what is being answered come to its end, for a moment; give up the rest."""
        running = list(self._running)
        try:
            if running:
                await asyncio.wait(running, timeout=_LAST_WORDS)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    # --- what comes over the wire --------------------------------------------------------------------------------

    def take(self, body: Row) -> None:
        """Begin with a slash command or an interaction, which is acknowledged meanwhile; never raises."""
        self._inbox.alive()
        act = self._slash if "command" in body else self._acts.get(str(body.get("type")))
        if act is None:
            return
        try:
            act(body)
        except SHAPE as error:
            _LOG.warning("a request of unknown form (%s)", type(error).__name__)

    def mentioned(self, event: Row) -> None:
        """Somebody wrote to the bot by its name."""
        channel, ts, thread = str(event["channel"]), str(event["ts"]), str(event.get("thread_ts") or "")
        user = identity(event["user"])
        if event.get("bot_id") or user == self._workspace.user_id:
            return
        _, _, text = str(event.get("text") or "").partition(f"<@{self._workspace.user_id}")
        way = Way(user, channel, thread, thread or ts)
        self._ask(
            way,
            _command(way, f"{channel}:{ts}", _stranger(user), _typed(text.partition(">")[2]), via="mention"),
        )

    def reacted(self, event: Row, thread: str | None) -> None:
        """Somebody reacted to a message, or took the reaction away."""
        if not self._labels or (label := self._labels.get(name(str(event["reaction"])))) is None:
            return
        item, user, kind = event["item"], identity(event["user"]), str(event["type"])
        if user == self._workspace.user_id:
            return
        channel, ts = str(item["channel"]), str(item["ts"])
        # The same reaction may come again, later.
        id_ = f"{channel}:{ts}:{user}:{event['reaction']}:{kind}:{event.get('event_ts') or time.time_ns()}"
        way = Way(user, channel, thread if thread and thread != ts else "")
        text = TAG if kind == "reaction_added" else f"un{TAG}"
        self._ask(way, _command(
            way, id_, _stranger(user), text, options={LABEL: label}, message=f"{channel}:{ts}", via="emoji"
        ))  # fmt: skip

    def _slash(self, body: Row) -> None:
        told = _stranger(body["user_id"], body.get("user_name"))
        url = str(body.get("response_url") or "")
        way = Way(told.id, str(body.get("channel_id") or ""), str(body.get("thread_ts") or ""), url=url)
        self._ask(way, _command(way, _id(body, url), told, _typed(str(body.get("text") or ""))))

    def _pressed(self, body: Row) -> None:
        told, container = _user(body), body.get("container") or {}
        channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
        thread = str(container.get("thread_ts") or _thread(body.get("message") or {}))
        url = str(body.get("response_url") or "")
        for action in body["actions"]:
            if str(action.get("action_id")).startswith(BUTTON) and (text := action.get("value")):
                way, id_ = (
                    Way(told.id, channel, thread, url=url),
                    _id(body, str(action.get("action_ts") or url)),
                )
                self._ask(way, _command(way, id_, told, str(text), via="button"))

    def _submitted(self, body: Row) -> None:
        view, told = body["view"], _user(body)
        if view.get("callback_id") != SHORTCUT:
            return
        way, ts, value = submitted(view, told.id)
        self._ask(way, _command(
            way, f"{view.get('id')}:{told.id}", told, TAG, options={LABEL: value} if value else {},
            message=f"{way.channel}:{ts}" if ts else None, via="menu",
        ))  # fmt: skip

    def _chosen(self, body: Row) -> None:
        """The shortcut on a message: the modal comes before anything else, since its trigger is soon worthless."""
        if body.get("callback_id") != SHORTCUT:
            return
        told, message, url = _user(body), body.get("message") or {}, str(body.get("response_url") or "")
        channel, ts = str(body["channel"]["id"]), str(message.get("ts") or body["message_ts"])
        way, id_ = Way(told.id, channel, _thread(message), url=url), _id(body, url)
        if self._is_new(f"modal {id_}"):
            self._begin(self._open(id_, str(body.get("trigger_id") or ""), way, told, ts))

    # --- what is done about it ------------------------------------------------------------------------------------

    def _ask(self, way: Way, command: Command) -> None:
        """Ask for a command, unless the same was asked already."""
        if self._is_new(command.id):
            self._begin(self._answer(way, command))

    async def _answer(self, way: Way, command: Command) -> None:
        # What one person says of a message happens in the order in which it was said.
        turn = self._turns.setdefault(f"{way.user} {command.message or command.id}", asyncio.Lock())
        async with turn:
            asker, language = await self._people.asker(command.asker)
            reply = await self._inbox.answer(command._replace(asker=asker, language=language))
        if reply is not None:
            await self._answering.answer(way, reply)

    async def _open(self, id_: str, trigger: str, way: Way, told: Member, ts: str) -> None:
        """Open the modal at once, in the language that is known by then, and correct it where it was another."""
        language = self._workspace.locales.get(told.id)
        view = modal(self._inbox.offers, language, way, ts)
        if view is None:
            self._ask(way, _command(way, id_, told, TAG, message=f"{way.channel}:{ts}", via="menu"))
            return
        web = self._workspace.web
        try:
            async with asyncio.timeout(_TRIGGER):
                opened = await web.call("views.open", trigger_id=trigger, view=view)
        except (ConnectorError, TimeoutError) as error:
            if isinstance(error, Declined) and error.error == "exchanged_trigger_id":
                return  # an attempt whose answer was lost has opened it
            _LOG.warning("a menu was not opened (%s)", error)
            _, language = await self._people.asker(told)
            await self._answering.answer(way, Reply(too_late(language)))
            return
        if language is None:
            _, language = await self._people.asker(told)
            better = modal(self._inbox.offers, language, way, ts)
            if better is not None and better != view:
                await web.call("views.update", view_id=opened["view"]["id"], view=better)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.warning("a request could not be answered (%s)", type(error).__name__)

    def _is_new(self, id_: str) -> bool:
        if id_ in self._seen:
            return False
        self._seen[id_] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


def _command(way: Way, id_: str, told: Member, text: str, **more: Any) -> Command:
    """What somebody asks, in the place where they asked it."""
    thread = f"{way.channel}:{way.thread}" if way.thread else None
    return Command(id_, told, text, channel_id=way.channel or None, thread_id=thread, **more)


def _user(body: Row) -> Member:
    """Whoever did it, as the request itself tells."""
    user = body["user"]
    return _stranger(user["id"], user.get("username") or user.get("name"))


def _stranger(id_: Any, name_: Any = None) -> Member:
    """The little that is known of somebody before Slack is asked."""
    return Member(identity(id_), words(name_) or str(id_), complete=False)


def _thread(message: Row) -> str:
    """The ts of the thread that a message is a reply in; empty for none."""
    thread = message.get("thread_ts")
    return str(thread) if thread and thread != message.get("ts") else ""


def _id(body: Row, otherwise: str) -> str:
    """The request's own: Slack makes a trigger for each; where it does not, its other mark, or none that comes again."""
    return str(body.get("trigger_id") or otherwise or time.time_ns())


def _typed(text: str) -> str:
    """What was typed, of Slack's text: addresses without their brackets, names of channels and people as shown."""

    def plain(found: "re.Match[str]") -> str:
        kind, what, shown = found["kind"], found["what"], found["words"] or ""
        if kind:
            return kind.strip("!") + (shown or what)
        return shown if shown and what.endswith(shown) else what

    return html.unescape(_LINK.sub(plain, text)).strip()
