"""`me`: what the bot knows of the asker, and whether to name them in thanks; `help`."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.app import opted_out
from bot.audience import OPERATOR, source_ids
from bot.commands.model import Ask, Entry, Parameter
from bot.commands.parsing import names, without_fillers
from bot.commands.text import nearest
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.spaces.counted import quoted
from connectors.records import Button, Reply
from storage import optouts
from storage.accounts import describe
from storage.ingest import account
from storage.tables import Member
from storage.times import to_micros

_DAYS = 30
_HIDE, _SHOW = "hide", "show"


class _Known(NamedTuple):
    accounts: str
    did: dict[str, int]
    hidden: bool
    by_operator: bool


async def _me(ask: Ask) -> Reply:
    if not ask.source:
        raise ask.wrong("At the terminal you are nobody's account.")
    wish = ask.options.get("naming")
    if wish is not None:
        await ask.doors.write(lambda session: _set(session, ask, hide=wish == _HIDE))
    known = await ask.doors.read(lambda session: _look(session, ask))
    words = ask.words
    lines = []
    if known is None:
        lines.append(words.gettext("I know nothing of you yet."))
    else:
        lines.append(words.gettext("You are: {accounts}.", accounts=escape(known.accounts)))
        did = escape(words.deeds(known.did)) or words.gettext("nothing")
        lines.append(
            words.gettext("In the last {n} days you wrote: {deeds}.", n=words.number(_DAYS), deeds=did)
        )
    if known is not None and known.by_operator:
        lines.append(
            words.gettext("Whoever runs this has decided that you are never named among the people to thank.")
        )
        return Reply("\n".join(f"- {line}" for line in lines))
    hidden = known.hidden if known else wish == _HIDE
    if hidden:
        lines.append(words.gettext("You are never named among the people to thank."))
        button = Button(words.gettext(msgid("Name me again")), "me show")
    else:
        lines.append(words.gettext("You may be named among the people to thank."))
        button = Button(words.gettext(msgid("Never name me")), "me hide")
    return Reply("\n".join(f"- {line}" for line in lines), buttons=(button,))


def _set(session: Session, ask: Ask, *, hide: bool) -> None:
    source = source_ids(session).get(ask.source)
    if source is not None:
        (optouts.hide if hide else optouts.show)(session, source, ask.command.asker.id)


def _look(session: Session, ask: Ask) -> _Known | None:
    """The asker's accounts and what was written with them; None where nothing is stored of them."""
    source = source_ids(session).get(ask.source)
    own = None if source is None else session.get(Member, (source, ask.command.asker.id))
    if own is None:
        return None
    accounts = session.scalars(
        select(Member).where(Member.person == own.person).order_by(Member.source_id, Member.external_id)
    ).all()
    keys = ", ".join(f"({each.source_id}, {quoted(each.external_id)})" for each in accounts)
    since = to_micros(ask.now - timedelta(days=_DAYS))
    community = ask.community(session, OPERATOR)  # their own messages, of which they see the number
    written = community.rows(f"""
        WITH who (source_id, external_id) AS (VALUES {keys}),
        own AS (SELECT m.source_id, m.external_id FROM who CROSS JOIN messages m
            WHERE m.source_id = who.source_id AND m.author_id = who.external_id
                AND m.created_at >= {since} AND NOT m.deleted)
        SELECT 'message', COUNT(*) FROM own
        UNION ALL
        SELECT t.label, COUNT(*) FROM own JOIN tags t
            ON t.source_id = own.source_id AND t.external_id = own.external_id AND t.verdict AND t.label <> 'resolved'
        GROUP BY t.label""")
    did = {label: number for label, number in written}  # noqa: C416 - rows are no pairs to mypy
    alone = optouts.persons(session)
    everybody = opted_out(session, ask.config)
    return _Known(
        describe(session, [account(each.source_id, each.external_id) for each in accounts]),
        did,
        own.person in everybody,
        own.person in everybody and own.person not in alone,
    )


async def _help(ask: Ask) -> Reply:
    from bot.commands.registry import COMMANDS  # noqa: PLC0415 - this command is one of them

    words, language = ask.words, ask.language
    asked = without_fillers(ask.rest)
    if asked:
        every = {name: entry for entry in COMMANDS for name in names(entry)}
        meant = nearest(asked[0].plain, every, 0.6)
        if meant is None:
            raise ask.wrong("There is no command “{word}”. See `{command}`.", word=escape(asked[0].text[:40]),
                            command=ask.call(ask.entry.called(language)))  # fmt: skip
        return Reply("\n".join(_about(ask, every[meant])))
    lines = [
        f"- `{ask.call(entry.called(language))}`: {words.gettext(entry.words)}"
        for entry in COMMANDS
        if entry.right in ask.rights
    ]
    more = words.gettext(
        "More of each: `{command}`", command=ask.call(f"{ask.entry.called(language)} explain")
    )
    return Reply("\n".join([words.gettext("This is what you can ask:"), "", *lines, "", more]))


def _about(ask: Ask, entry: Entry) -> list[str]:
    words, language = ask.words, ask.language
    call = ask.call(entry.called(language))
    lines = [f"`{call} {entry.example}`".replace(" `", "`"), "", words.gettext(entry.words)]
    for parameter in entry.parameters:
        choices = ", ".join(words.gettext(title) for _, title in parameter.choices)
        lines.append(
            f"- *{parameter.name}*: {words.gettext(parameter.words)} {f'({choices})' if choices else ''}".rstrip()
        )
    return lines


ME = Entry(
    "me", "read", msgid("What I know of you, and whether you are named among the people to thank."), _me,
    (Parameter("naming", msgid("Whether you may be named."),
               ((_HIDE, msgid("never name me")), (_SHOW, msgid("name me again"))),
               aliases={"ocultar": _HIDE, "oculta": _HIDE, "ocultame": _HIDE, "esconder": _HIDE,
                        "mostrar": _SHOW, "muestra": _SHOW, "muestrame": _SHOW}),),
    {"es": "yo"}, ("myself",),
)  # fmt: skip
HELP = Entry(
    "help", "read", msgid("What you can ask."), _help, names={"es": "ayuda"},
    aliases=("commands", "comandos", "?"), takes_rest=True, example="explain",
)  # fmt: skip
