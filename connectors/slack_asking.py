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
        """Give up what is not answered yet."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

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
        user = str(event.get("user") or "")
        if not user or event.get("bot_id") or user == self._workspace.user_id:
            return
        _, _, text = str(event.get("text") or "").partition(f"<@{self._workspace.user_id}")
        way = Way(user, channel, thread, thread or ts)
        self._ask(f"{channel}:{ts}", way, Member(user, user, complete=False),
                  text=_unescaped(text.partition(">")[2]), via="mention")  # fmt: skip

    def reacted(self, event: Row, thread: str | None) -> None:
        """Somebody reacted to a message, or took the reaction away."""
        if not self._labels or (label := self._labels.get(name(str(event["reaction"])))) is None:
            return
        item, user = event["item"], str(event["user"])
        if user == self._workspace.user_id:
            return
        channel, ts = str(item["channel"]), str(item["ts"])
        is_added = event["type"] == "reaction_added"
        id_ = ":".join(
            (
                channel,
                ts,
                user,
                str(event["reaction"]),
                str(event["type"]),
                str(event.get("event_ts") or time.time_ns()),
            )
        )
        way = Way(user, channel, thread if thread and thread != ts else "")
        self._ask(id_, way, Member(user, user, complete=False), text=TAG if is_added else f"un{TAG}",
                  options={LABEL: label}, message=f"{channel}:{ts}", via="emoji")  # fmt: skip

    def _slash(self, body: Row) -> None:
        user = identity(body["user_id"])
        told = Member(user, words(body.get("user_name")) or user, complete=False)
        url = str(body.get("response_url") or "")
        way = Way(told.id, str(body.get("channel_id") or ""), str(body.get("thread_ts") or ""), url=url)
        self._ask(_id(body, url), way, told, text=_unescaped(str(body.get("text") or "")))

    def _pressed(self, body: Row) -> None:
        told, container = _user(body), body.get("container") or {}
        channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
        thread = str(container.get("thread_ts") or _thread(body.get("message") or {}))
        url = str(body.get("response_url") or "")
        for action in body["actions"]:
            if str(action.get("action_id")).startswith(BUTTON) and action.get("value"):
                way = Way(told.id, channel, thread, url=url)
                self._ask(
                    _id(body, str(action.get("action_ts") or url)),
                    way,
                    told,
                    text=str(action["value"]),
                    via="button",
                )

    def _submitted(self, body: Row) -> None:
        view, told = body["view"], _user(body)
        if view.get("callback_id") != SHORTCUT:
            return
        way, ts, value = submitted(view, told.id)
        self._ask(f"{view.get('id')}:{told.id}", way, told, text=TAG, options={LABEL: value} if value else {},
                  message=f"{way.channel}:{ts}" if ts else None, via="menu")  # fmt: skip

    def _chosen(self, body: Row) -> None:
        """The shortcut on a message: the modal comes before anything else, since its trigger is soon worthless."""
        if body.get("callback_id") != SHORTCUT:
            return
        told, message, url = _user(body), body.get("message") or {}, str(body.get("response_url") or "")
        channel, ts = str(body["channel"]["id"]), str(message.get("ts") or body["message_ts"])
        way = Way(told.id, channel, _thread(message), url=url)
        id_ = _id(body, url)
        if self._is_new(f"modal {id_}"):
            self._begin(self._open(id_, str(body.get("trigger_id") or ""), way, told, ts))

    # --- what is done about it ------------------------------------------------------------------------------------

    def _ask(self, id_: str, way: Way, told: Member, **what: Any) -> None:
        """Ask for a command, unless the same was asked already."""
        if self._is_new(id_):
            self._begin(self._answer(id_, way, told, what))

    async def _answer(self, id_: str, way: Way, told: Member, what: Mapping[str, Any]) -> None:
        # What one person says of a message happens in the order in which it was said.
        turn = self._turns.setdefault(f"{told.id} {what.get('message') or id_}", asyncio.Lock())
        async with turn:
            asker, language = await self._people.asker(told)
            command = Command(
                id_, asker, what["text"], what.get("options") or {}, channel_id=way.channel or None,
                thread_id=f"{way.channel}:{way.thread}" if way.thread else None, language=language,
                message=what.get("message"), via=what.get("via") or "command",
            )  # fmt: skip
            reply = await self._inbox.answer(command)
        if reply is not None:
            await self._answering.answer(way, reply)

    async def _open(self, id_: str, trigger: str, way: Way, told: Member, ts: str) -> None:
        """Open the modal at once, in the language that is known by then, and correct it where it was another."""
        language = self._workspace.locales.get(told.id)
        view = modal(self._inbox.offers, language, way, ts)
        if view is None:
            self._ask(id_, way, told, text=TAG, message=f"{way.channel}:{ts}", via="menu")
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


def _user(body: Row) -> Member:
    """Whoever did it, as the request itself tells."""
    user = body["user"]
    return Member(
        str(user["id"]), str(user.get("username") or user.get("name") or user["id"]), complete=False
    )


def _thread(message: Row) -> str:
    """The ts of the thread that a message is a reply in; empty for none."""
    thread = message.get("thread_ts")
    return str(thread) if thread and thread != message.get("ts") else ""


def _id(body: Row, otherwise: str) -> str:
    """The request's own: Slack makes a trigger for each; where it does not, its other mark, or none that comes again."""
    return str(body.get("trigger_id") or otherwise or time.time_ns())


def _unescaped(text: str) -> str:
    """What was typed, of Slack's text: addresses without their brackets, names of channels and people as shown."""

    def typed(found: "re.Match[str]") -> str:
        kind, what, shown = found["kind"], found["what"], found["words"] or ""
        if kind:
            return kind.strip("!") + (shown or what)
        return shown if shown and what.endswith(shown) else what

    return html.unescape(_LINK.sub(typed, text)).strip()
