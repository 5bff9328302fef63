"""The bot in talk on Discord: commands, menus, buttons, mentions, direct messages and reactions are answered.

Discord gives three seconds to say that an interaction was heard, so that comes first, before anything is looked at:
each is a task of its own, and its first word leaves by a door that no history and no answer ever waits at.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from weakref import WeakValueDictionary

from connectors.base import Inbox
from connectors.discord_answers import EPHEMERAL, Address, Answers
from connectors.discord_askers import Askers, spot
from connectors.discord_asking import Acknowledged, Ask, Missing, Refused
from connectors.discord_commands import MENU, labels, matching, menu, register, suggestions, wish
from connectors.discord_forms import SILENT, pressed
from connectors.discord_hearing import Heard, Hearing, part, user_of
from connectors.discord_messages import Server
from connectors.discord_rights import commands_missing
from connectors.discord_words import words
from connectors.errors import ConnectorError, Unavailable
from connectors.records import Choice, Command, Member, Reply

log = logging.getLogger("connectors.discord")

_COMMAND, _COMPONENT = 2, 3
_SHOW, _THINK, _THINK_IN_PLACE, _SUGGEST = 4, 5, 6, 8
_SELECT = 3
_IN_TIME = 2.8
_SUGGEST_WITHIN = 1.0
_LAST_WORDS = 1.0
_SLOW = 300.0
_NOBODY = Member("", "")
"""Until it is found out who asks."""

Raw = Mapping[str, Any]


class Talk:
    """The talk of one connector. It begins to answer when it is opened, and goes on over lost connections."""

    _inbox: Inbox
    _ask: Ask
    _first: Ask
    _answers: Answers
    _askers: Askers

    def __init__(
        self,
        settings: Mapping[str, Any],
        servers: Mapping[str, Server],
        server_ids: Callable[[], Awaitable[list[str]]],
        look_again: Callable[[str, str], None],
    ) -> None:
        """Prepare.

        Args:
            settings: `server`, and `emoji`: what a reaction tags a message as.
            servers: those that are known.
            server_ids: finds all servers.
            look_again: told of a message (channel, message) that should be read soon.
        """
        self._hearing = Hearing(settings, servers)
        self._servers = servers
        self._server_ids = server_ids
        self._look_again = look_again
        self._tasks: set[asyncio.Task[None]] = set()
        self._offering: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Address] = {}
        self._registering = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._is_open = False

    def open(self, inbox: Inbox, ask: Ask, first: Ask, application_id: str, me: str) -> None:
        """Answer from now on.

        Args:
            inbox: answers.
            ask: puts requests.
            first: puts those that say that we heard.
            application_id: of the bot's application.
            me: the bot's own id.
        """
        self._hearing.me, self._hearing.application_id = me, application_id
        self._inbox, self._ask, self._first = inbox, ask, first
        self._answers = Answers(ask, me)
        self._askers = Askers(ask, self._servers, self._server_ids)
        self._is_open = True

    async def close(self) -> None:
        """Let what is nearly done end, and tell the others that they have to ask again; within 2 s."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS)
        left = list(self._waiting.values())
        for task in (*self._tasks, *self._offering):
            task.cancel()
        sorry = [self._answers.give(to, Reply(words("interrupted", to.language))) for to in left]
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await asyncio.gather(*sorry)
        except TimeoutError:
            log.info("not everybody could be told that the answer was interrupted")

    def hear(self, kind: Any, raw: Any) -> None:
        """Hear one event of the gateway, at once; never raises."""
        if not self._is_open:
            return
        try:
            heard = self._hearing.hear(kind, raw)
        except (LookupError, TypeError, ValueError, AttributeError):
            log.warning("what Discord told of a command cannot be read (%s)", kind)
            return
        if heard is not None:
            work = {
                "server": self._register, "interaction": self._interaction, "typing": self._suggest,
                "words": self._said, "reaction": self._reacted,
            }[heard.kind]  # fmt: skip
            tasks = self._offering if heard.kind == "server" else self._tasks
            task = asyncio.create_task(self._safely(work(heard), heard.kind))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _safely(self, work: Coroutine[Any, Any, None], kind: str) -> None:
        try:
            await work
        except ConnectorError as error:
            log.warning("what was heard could not be done (%s): %s", kind, error)
        except Exception:
            log.exception("what was heard failed in a way that it should not (%s)", kind)

    # --- interactions -----------------------------------------------------------------------------------------------

    async def _interaction(self, heard: Heard) -> None:
        raw, to, data = heard.raw, heard.to, part(heard.raw, "data")
        if raw.get("type") == _COMMAND and data.get("type") == MENU:
            await self._offer_labels(heard, data)
            return
        # The menu of labels is replaced by the answer; everything else gets an answer of its own.
        chosen = raw.get("type") == _COMPONENT and data.get("component_type") == _SELECT
        await self._say_heard(
            to, {"type": _THINK_IN_PLACE} if chosen else {"type": _THINK, "data": {"flags": EPHEMERAL}}
        )
        try:
            command = self._meant(heard, data)
        except (LookupError, TypeError, ValueError, AttributeError):
            log.warning("an interaction cannot be read")
            await self._answers.give(to, Reply(words("unclear", to.language)))
        else:
            await self._answer(heard, command, user_of(raw))

    def _meant(self, heard: Heard, data: Raw) -> Command:
        """What was asked by a command, a button, or a choice from the menu of labels.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: it cannot be read.
        """
        if not heard.to.user_id:
            raise ValueError("nobody asks")
        if heard.raw["type"] == _COMMAND:
            found = wish(data, self._inbox.offers)
            return self._command(heard, found.command)._replace(options=found.options)
        custom = str(data["custom_id"])
        text = pressed(custom)
        if text is not None:
            return self._command(heard, text)._replace(via="button")
        kind, message, *_ = custom.split(":")
        if kind != "tag":
            raise ValueError("a component that is none of ours")
        chosen = {"label": str(data["values"][0])}
        return self._command(heard, "tag")._replace(options=chosen, message=message, via="menu")

    async def _offer_labels(self, heard: Heard, data: Raw) -> None:
        """Ask what to tag the message as: the question is the sign that we heard."""
        to, message, choices = heard.to, data.get("target_id"), labels(self._inbox.offers)
        asked = {"content": words("unclear", to.language)}
        if choices and message:
            asked = menu(choices, str(message), to.language)
        await self._say_heard(to, {"type": _SHOW, "data": SILENT | asked | {"flags": EPHEMERAL}})
        known = self._servers.get(heard.server_id or "")
        place = known.places.get(str(to.channel_id)) if known else None
        if known and place and message and known.reads(place):
            self._look_again(place.id, str(message))  # it may be older than anything that was read

    async def _suggest(self, heard: Heard) -> None:
        """Suggest values while somebody types; nothing where it takes too long."""
        to, found = heard.to, list[Choice]()
        try:
            asked = wish(heard.raw["data"], self._inbox.offers)
            typed = asked.options.get(asked.typing, "")
            own = [
                option.choices for offer in self._inbox.offers if offer.name == asked.command
                for option in offer.options if option.name == asked.typing and not option.suggests
            ]  # fmt: skip
            if own:
                found = matching(own[0], typed)
            else:
                async with asyncio.timeout(_SUGGEST_WITHIN):
                    found = list(await self._inbox.suggest(asked.command, asked.typing, typed, to.language))
        except TimeoutError:
            log.info("suggestions came too late")
        except Exception as error:  # noqa: BLE001 - nobody needs a suggestion, and whoever types waits for an end
            log.warning("nothing could be suggested (%s)", type(error).__name__)
        await self._say_heard(to, {"type": _SUGGEST, "data": {"choices": suggestions(found, to.language)}})

    async def _say_heard(self, to: Address, body: Raw) -> None:
        """Tell Discord that we heard, within its three seconds; it is told again while nobody knows whether it was."""
        path = "/interactions/{webhook_id}/{webhook_token}/callback"
        try:
            async with asyncio.timeout(_IN_TIME):
                while True:
                    try:
                        await self._first("POST", path, body=body, webhook_id=to.key, webhook_token=to.token)
                    except Acknowledged:
                        return
                    except Unavailable:
                        await asyncio.sleep(0.1)
                    else:
                        return
        except (TimeoutError, ConnectorError) as error:
            log.warning("Discord could not be told in time that a command was heard (%s)", error)

    # --- words and reactions ----------------------------------------------------------------------------------------

    async def _said(self, heard: Heard) -> None:
        command = self._command(heard, heard.text)._replace(message=heard.about, via="mention")
        await self._answer(heard, command, heard.raw["author"])

    async def _reacted(self, heard: Heard) -> None:
        """Tag as a reaction says; where it meant nothing, nothing is said, not even when it fails."""
        member = part(heard.raw, "member")
        user = part(member, "user") or {"id": heard.to.user_id}
        command = self._command(heard, heard.text, str(heard.raw["channel_id"]))
        about = {"label": heard.label}
        # One after the other, as they came: who took a reaction away is looked up, who gave one is told.
        turn = self._turns.setdefault(f"{heard.about} {heard.to.user_id}", asyncio.Lock())
        async with turn:
            asker = await self._askers.member(user, member or None, heard.server_id)
            if asker is None or asker.is_bot:
                return
            reply = await self._inbox.answer(
                command._replace(asker=asker, options=about, message=heard.about, via="emoji")
            )
        if reply is not None:
            await self._answers.give(heard.to, reply)

    # --- answering --------------------------------------------------------------------------------------------------

    def _command(self, heard: Heard, text: str, channel: str | None = None) -> Command:
        """A command as far as all of them are alike."""
        channel = channel or heard.to.channel_id
        server = self._servers.get(heard.server_id or "")
        channel_id, thread_id = spot(server, channel, part(heard.raw, "channel")) if channel else (None, None)
        return Command(
            heard.to.key,
            _NOBODY,
            text,
            channel_id=channel_id,
            thread_id=thread_id,
            language=heard.to.language,
        )

    async def _answer(self, heard: Heard, command: Command, user: Raw) -> None:
        """Find out who asks, have it answered, and bring the answer."""
        to = heard.to
        self._waiting[to.key] = to
        reply: Reply | None = Reply(words("failed", to.language))
        try:
            asker = await self._askers.member(user, part(heard.raw, "member") or None, heard.server_id)
            if asker is None:
                reply = Reply(words("stranger", to.language))
            else:
                reply = await self._inbox.answer(command._replace(asker=asker))
        except ConnectorError as error:
            log.warning("who asks could not be found out: %s", error)
        except Exception:
            log.exception("a command failed in a way that it should not")
        del self._waiting[to.key]
        await self._answers.give(to, reply)

    async def _register(self, heard: Heard) -> None:
        """Offer the commands on a server, unless it has them already."""
        server = heard.server_id or ""
        async with self._registering:
            while True:
                try:
                    if await register(self._ask, self._hearing.application_id, server, self._inbox.offers):
                        log.info("the commands were offered on a server")
                except Unavailable as error:
                    await asyncio.sleep(min(error.retry_after, _SLOW))
                    continue
                except (Refused, Missing):
                    log.warning("%s", commands_missing(server, self._hearing.application_id))
                return
