"""Which accounts on different platforms are probably one person, and why we think so. Never by a name alone.

Evidence, the strongest first: the same e-mail address; the same published link; the same unusual handle; somebody
said so ("I'm ann_b on the forum"). What several accounts of one source share is evidence of nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import orjson
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from storage.handles import WORDS, is_unusual, words
from storage.ingest import account
from storage.tables import Channel, Member, Merge, Message, Source


class Suggestion(NamedTuple):
    """Accounts ("1:U1") that are probably one person."""

    accounts: tuple[str, ...]
    reason: str
    """In words, to follow "because"."""


class Account(NamedTuple):
    """What we compare of an account."""

    source_id: int
    external_id: str
    handle: str
    display_name: str
    email: str
    links: tuple[str, ...]
    person: str

    @property
    def name(self) -> str:
        """How it is kept: "1:U1"."""
        return account(self.source_id, self.external_id)


Found = tuple[str, Sequence[Account]]
"""A reason, and the accounts it holds for: one of each source."""


def suggest(session: Session) -> list[Suggestion]:
    """Accounts that are probably one person and are not merged, the strongest evidence first.

    People who were merged once and taken apart again are not suggested any more.
    """
    accounts = _accounts(session)
    person = {one.name: one.person for one in accounts}
    refused = _refused(session, person)
    reasons: dict[frozenset[str], list[str]] = {}
    meant: dict[frozenset[str], tuple[Account, ...]] = {}
    evidence = (_by_email(accounts), _by_link(accounts), _by_handle(accounts), _by_word(session, accounts))
    for reason, group in chain.from_iterable(evidence):
        people: dict[str, Account] = {}
        for one in group:
            people.setdefault(one.person, one)
        if any(frozenset(pair) in refused for pair in combinations(people, 2)):
            together = [frozenset(pair) for pair in combinations(people, 2) if frozenset(pair) not in refused]
        else:
            together = [frozenset(people)] if len(people) > 1 else []
        for persons in together:
            reasons.setdefault(persons, []).append(reason)
            meant.setdefault(
                persons,
                tuple(one for one in group if people.get(one.person) is one and one.person in persons),
            )
    return [
        Suggestion(
            tuple(one.name for one in meant[persons]),
            " and ".join(dict.fromkeys(said)) + _called(meant[persons]),
        )
        for persons, said in reasons.items()
    ]


def _called(group: Iterable[Account]) -> str:
    """A shared name proves nothing, but it helps whoever decides."""
    names = {one.display_name for one in group}
    return f"; all are called {names.pop()}" if len(names) == 1 and "" not in names else ""


def _accounts(session: Session) -> list[Account]:
    query = select(
        Member.source_id,
        Member.external_id,
        Member.name,
        Member.display_name,
        Member.email,
        Member.links,
        Member.person,
    ).where(~Member.is_bot, or_(Member.standing.is_(None), Member.standing != "bot"))
    return [
        Account(
            source, id_, "" if handle == id_ else handle.removeprefix("@").casefold(), display, _mailbox(email or ""),
            () if links == "[]" else tuple(orjson.loads(links)), person,
        )
        for source, id_, handle, display, email, links, person in session.execute(query.order_by(Member.source_id, Member.external_id))
    ]  # fmt: skip


def _refused(session: Session, person: Mapping[str, str]) -> set[frozenset[str]]:
    """The pairs of people whom a decision had made one, and another took apart again."""
    refused = set()
    for moved in session.scalars(select(Merge.moved).where(Merge.undone_at.is_not(None))):
        for one, other in combinations(orjson.loads(moved), 2):
            if one in person and other in person and person[one] != person[other]:
                refused.add(frozenset((person[one], person[other])))
    return refused


def _groups(keyed: Iterable[tuple[str, Account]]) -> Iterator[tuple[str, list[Account]]]:
    """Accounts of different sources that share a key which no two accounts of one source share."""
    found: dict[str, list[Account]] = {}
    for key, one in keyed:
        found.setdefault(key, []).append(one)
    for key, group in found.items():
        if len(group) > 1 and len({one.source_id for one in group}) == len(group):
            yield key, group


# --- the same e-mail address ------------------------------------------------------------------------------------

_SHARED_MAILBOX = re.compile(
    r"(?:abuse|accounts?|admin|anon(?:ymous)?|billing|bot|bounces?|careers|community|contact|dev|do-?not-?reply|everyone"
    r"|example|feedback|hello|help(?:desk)?|hi|hola|info|it|jobs|mail(?:er(?:-daemon)?)?|marketing|me|news(?:letter)?"
    r"|no-?reply|nobody|notifications?|office|ops|postmaster|press|privacy|redacted|root|sales|security|service|soporte"
    r"|staff|support|system|team|test|unknown|user|webmaster)"
)


def _mailbox(email: str) -> str:
    """The mailbox that an address leads to; nothing where it is no person's."""
    local, at, domain = email.strip().casefold().rpartition("@")
    local = local.partition("+")[0]
    real = at and re.fullmatch(r"[^\s@*<>]+", local) and re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", domain)
    return f"{local}@{domain}" if real and not _SHARED_MAILBOX.fullmatch(local) else ""


def _by_email(accounts: Iterable[Account]) -> Iterator[Found]:
    for email, group in _groups((one.email, one) for one in accounts if one.email):
        yield f"they have the same e-mail address, {email}", group


# --- the same link ----------------------------------------------------------------------------------------------

_PROFILES = {
    "github.com": 1, "gitlab.com": 1, "codeberg.org": 1, "bitbucket.org": 1, "x.com": 1, "instagram.com": 1,
    "facebook.com": 1, "medium.com": 1, "dev.to": 1, "keybase.io": 1, "t.me": 1, "linktr.ee": 1, "about.me": 1,
    "twitch.tv": 1, "huggingface.co": 1, "youtube.com": 1, "mastodon.social": 1, "linkedin.com": 2, "reddit.com": 2,
    "bsky.app": 2, "stackoverflow.com": 3,
}  # fmt: skip
"""Sites where everybody has a page, and how many parts the path of such a page has."""
_ALIASES = {"twitter.com": "x.com", "telegram.me": "t.me"}
_EVERYBODY = re.compile(
    r"(?:google|gmail|example|wikipedia|slack|discord|discourse|yahoo|outlook|apple|microsoft)\.\w+"
)


def _by_link(accounts: Iterable[Account]) -> Iterator[Found]:
    keyed = ((link, one) for one in accounts for link in dict.fromkeys(map(_address, one.links)) if link)
    for link, group in _groups(keyed):
        site, _, path = link.partition("/")
        if len(path.split("/")) == _PROFILES.get(site) or _is_theirs(link, group):
            yield f"they publish the same link, {link}", group


def _address(link: str) -> str:
    """The address without what changes nothing about where it leads; nothing where it leads to no one."""
    try:
        parts = urlsplit(link.strip() if "://" in link else f"https://{link.strip()}")
        site = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return ""
    site = _ALIASES.get(site, site)
    path = unquote(parts.path).strip("/")
    if "." not in site or (not path and (site in _PROFILES or _EVERYBODY.fullmatch(site))):
        return ""
    return f"{site}/{path.casefold() if site in _PROFILES else path}".rstrip("/")


def _is_theirs(link: str, group: Iterable[Account]) -> bool:
    """Whether a page of no known kind is a person's: colleagues publish their company's, and are two people."""
    letters = "".join(words(link))
    named = [{part for part in words(f"{one.handle} {one.display_name}") if len(part) > 2} for one in group]  # noqa: PLR2004
    return bool(set.intersection(*named)) or any(part in letters for parts in named for part in parts)


# --- the same handle --------------------------------------------------------------------------------------------


def _by_handle(accounts: Iterable[Account]) -> Iterator[Found]:
    for handle, group in _groups((one.handle, one) for one in accounts if one.handle):
        if all(is_unusual(handle, one.display_name) for one in group):
            yield f'they bear the same unusual handle, "{handle}"', group


# --- somebody said so -------------------------------------------------------------------------------------------

_PLACES = {"discourse": ("forum", "foro", "discourse"), "discord": ("discord",), "slack": ("slack",)}
"""What people call a source of each connector, beside its own name."""
_NAME = r"@?[\w.-]+(?: [\w.-]+){0,2}"
_IN = r"(?:over )?(?:on|in|en)(?: the| our| el| nuestro)? "
_I_AM = (
    r"(?:i['\u2019]?m|i am|i go by|my (?:user ?name|handle|nick|name) is|(?:known|find me|call me) as"
    r"|soy|estoy como|me llamo|aparezco como|mi (?:usuario|nick|nombre) es)"
)
_I_AM_IN = r"(?:find me|i['\u2019]?m|i am|estoy|aparezco|b[uú]scame|me encuentr[ao]n?)"
_QUICK = ("i'm ", "i\u2019m ", "im ", "i am ", "i go by ", "my ", "known as ", " me ", "me llamo ", "soy ", "estoy ",
          "aparezco ", "mi ", "búscame ", "buscame ")  # fmt: skip
_NO_NAMES = frozenset(
    [
        "active",
        "also",
        "asking",
        "back",
        "busy",
        "here",
        "late",
        "mainly",
        "mostly",
        "new",
        "not",
        "offline",
        "online",
        "only",
        "still",
    ]
)
_ELSEWHERE = ("over there", "por allá", "por allí", "por ahí")
"""No place in particular: taken for one only with a handle marked by @."""
_QUOTE = 80


def _by_word(session: Session, accounts: Sequence[Account]) -> Iterator[Found]:
    """One pass over the messages that name a place and speak of their author."""
    places: dict[str, set[int]] = {}
    for source in session.scalars(select(Source)):
        for word in (source.name, *_PLACES.get(source.connector, ())):
            places.setdefault(word.casefold(), set()).add(source.id)
    everywhere: set[int] = set().union(*places.values())
    if len(everywhere) < 2:  # noqa: PLR2004 - there is nowhere else to be
        return
    patterns = _patterns(places)
    places |= dict.fromkeys(_ELSEWHERE, everywhere)
    borne: dict[tuple[int, str], list[Account]] = {}
    for one in accounts:
        for name in {one.handle, one.display_name.casefold() if " " in one.display_name else ""} - {""}:
            borne.setdefault((one.source_id, name), []).append(one)
    by_id = {(one.source_id, one.external_id): one for one in accounts}
    lowered = func.lower(Message.text)
    query = (
        select(Message.source_id, Message.author_id, Message.text)
        .join(
            Channel, and_(Channel.source_id == Message.source_id, Channel.external_id == Message.channel_id)
        )
        # What was said in private is not quoted, unless the place was named as one that counts.
        .where(
            ~Message.deleted,
            or_(Channel.counted.is_(True), and_(Channel.counted.is_(None), ~Channel.is_private)),
        )
        .where(or_(*(lowered.contains(word, autoescape=True) for word in places)))
        .where(or_(*(lowered.contains(word) for word in _QUICK)))
        .order_by(Message.source_id, Message.external_id)
    )
    for source_id, author_id, text in session.execute(query):
        speaker = by_id.get((source_id, author_id or ""))
        for names, place, quote in _statements(patterns, text) if speaker else ():
            target = _meant(names, places[place.casefold()] - {source_id}, borne)
            if speaker and target:
                yield f'{speaker.display_name or speaker.handle} wrote "{quote}"', (speaker, target)


class _Patterns(NamedTuple):
    name_first: re.Pattern[str]
    """ "I'm ann_b on the forum" """
    and_more: re.Pattern[str]
    """ "and ann2 on Discord", right after it"""
    place_first: re.Pattern[str]
    """ "on the forum I'm ann_b", "find me on the forum as ann_b" """
    elsewhere: re.Pattern[str]
    """ "I'm @ann_b over there" """


def _patterns(places: Iterable[str]) -> _Patterns:
    known = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    place, place_2 = rf"(?P<place>{known})\b", rf"(?P<place_2>{known})\b"
    short, long = rf"(?P<name>{_NAME}?)", rf"(?P<name>{_NAME})"
    placed = rf"(?:{_IN}{place},? {_I_AM}|{_I_AM_IN} {_IN}{place_2},? (?:as|como))"
    return _Patterns(
        re.compile(rf"\b{_I_AM} {short} {_IN}{place}", re.IGNORECASE),
        re.compile(rf",? (?:and|y|&) {short} {_IN}{place}", re.IGNORECASE),
        re.compile(rf"\b{placed} {long}", re.IGNORECASE),
        re.compile(rf"\b{_I_AM} (?P<name>@[\w.-]+) (?P<place>{'|'.join(_ELSEWHERE)})\b", re.IGNORECASE),
    )


def _statements(patterns: _Patterns, text: str) -> Iterator[tuple[list[str], str, str]]:
    """The names that an author may mean, the likeliest first; the place; the words that say so."""
    for found in patterns.name_first.finditer(text):
        more: re.Match[str] | None = found
        while more:
            yield [more["name"]], more["place"], text[found.start() : more.end()][-_QUOTE:]
            more = patterns.and_more.match(text, more.end())
    for found in patterns.place_first.finditer(text):
        words_ = found["name"].split(" ")
        names = [" ".join(words_[:end]) for end in range(len(words_), 0, -1)]
        yield names, found["place"] or found["place_2"], found[0][:_QUOTE]
    for found in patterns.elsewhere.finditer(text):
        yield [found["name"]], found["place"], found[0][:_QUOTE]


def _meant(
    names: Iterable[str], sources: Iterable[int], borne: Mapping[tuple[int, str], Sequence[Account]]
) -> Account | None:
    """The one account that bears the first of the names that anybody bears."""
    for name in names:
        plain = name.removeprefix("@").strip(".-").casefold()
        found = [one for source in sources for one in borne.get((source, plain), ())]
        sure = name.startswith("@") or " " in plain or plain not in WORDS | _NO_NAMES
        if found and sure:
            return found[0] if len(found) == 1 else None
    return None
