"""Who is a member, staff or a bot, and which channels are counted: derived from the facts and the operator's policy.

The facts stay; what is derived from them is made again whenever a row is new or changed (its column is NULL), and
all of it when the policy is another one.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm import Session

from storage import queue
from storage.tables import Channel, Member, Setting, Source

_KEY = "population"


@dataclass(frozen=True, slots=True)
class Places:
    """Channels of one source, by name, `#name` or id."""

    include: tuple[str, ...] = ()
    """Counted though private."""
    exclude: tuple[str, ...] = ()
    """Never counted, nor anything inside them; stronger than `include`."""
    internal: tuple[str, ...] = ()
    """For staff only, and everything inside them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's decisions. Accounts are written as people do: source, colon, handle or id ("team:alice")."""

    sources: Mapping[str, Places] = field(default_factory=dict)
    staff_emails: tuple[str, ...] = ()
    """Whole addresses, or domains as "@acme.example", which hold their subdomains too."""
    staff_roles: tuple[str, ...] = ()
    staff_members: tuple[str, ...] = ()
    staff_platform_flag: bool = True
    """Whether the platform's own mark (administrator, moderator) makes an account staff."""
    bot_members: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Equal for equal policies, whatever the order in which they were written."""
        said = asdict(self)
        said["sources"] = {
            name: {kind: sorted(names) for kind, names in places.items()}
            for name, places in said["sources"].items()
        }
        canonical = {key: sorted(value) if isinstance(value, tuple) else value for key, value in said.items()}
        return hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).hexdigest()


def settle(session: Session, policy: Policy) -> None:
    """Derive `members.standing`, `channels.counted` and `channels.is_internal` wherever they wait for it."""
    sources = {source.id: source.name for source in session.scalars(select(Source))}
    fingerprint = policy.fingerprint()
    kept = session.get(Setting, _KEY)
    renewed = kept is None or kept.value != fingerprint
    _settle_channels(session, sources, policy, everything=renewed)
    _settle_members(session, sources, policy, everything=renewed)
    if kept is None:
        session.add(Setting(key=_KEY, value=fingerprint))
    else:
        kept.value = fingerprint
    session.flush()
    session.expire_all()


def unknown_channels(session: Session, policy: Policy) -> list[str]:
    """What the policy names and no stored channel is called ("team: random"), of the sources that have channels."""
    missing = []
    for source in session.scalars(select(Source).order_by(Source.name)):
        rows = session.execute(
            select(Channel.external_id, Channel.name).where(Channel.source_id == source.id)
        ).all()
        known = {_plain(said) for row in rows for said in row}
        places = policy.sources.get(source.name, Places())
        named = dict.fromkeys((*places.include, *places.exclude, *places.internal))
        missing += [f"{source.name}: {name}" for name in named if known and _plain(name) not in known]
    return missing


# --- channels ---------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    source_id: int
    external_id: str
    name: str
    parent_id: str | None
    is_private: bool
    counted: bool | None
    is_internal: bool


class _Verdict(NamedTuple):
    readable: bool
    """Public, or named though private."""
    excluded: bool
    internal: bool


class _Named(NamedTuple):
    include: frozenset[str]
    exclude: frozenset[str]
    internal: frozenset[str]


_Key = tuple[int, str]
_OUTSIDE = _Verdict(readable=True, excluded=False, internal=False)


def _settle_channels(
    session: Session, sources: Mapping[int, str], policy: Policy, *, everything: bool
) -> None:
    waiting = select(Channel.source_id).where(Channel.counted.is_(None)).limit(1)
    if not everything and session.scalar(waiting) is None:
        return
    # All of them, since a channel that changed may hold others.
    columns = select(
        Channel.source_id, Channel.external_id, Channel.name, Channel.parent_id, Channel.is_private,
        Channel.counted, Channel.is_internal,
    )  # fmt: skip
    places = {(row[0], row[1]): _Place(*row) for row in session.execute(columns)}
    named = {id_: _named(policy.sources.get(name, Places())) for id_, name in sources.items()}
    verdicts: dict[_Key, _Verdict] = {}
    changed = []
    for key, place in places.items():
        verdict = _judge(key, places, named[place.source_id], verdicts)
        now = (verdict.readable and not verdict.excluded, verdict.internal)
        # Those that wait and are simply counted, nearly all, are written by the one statement at the end.
        if (place.counted, place.is_internal) != now and (place.counted, now) != (
            None,
            (True, place.is_internal),
        ):
            changed.append({"source": key[0], "id": key[1], "counted": now[0], "is_internal": now[1]})
    _write(session, Channel, changed)
    session.connection().execute(update(Channel).where(Channel.counted.is_(None)).values(counted=True))


def _judge(
    key: _Key, places: Mapping[_Key, _Place], named: _Named, verdicts: dict[_Key, _Verdict]
) -> _Verdict:
    """Judge a place after the places it is in, outermost first."""
    path: dict[_Key, _Place] = {}
    # Two places inside each other end the path too: the platform is wrong then, and we go on.
    while key in places and key not in verdicts and key not in path:
        place = path[key] = places[key]
        key = (place.source_id, place.parent_id or "")
    outer = verdicts.get(key, _OUTSIDE)
    outer_private = key in verdicts and places[key].is_private
    for inner, place in reversed(path.items()):
        own = {_plain(place.name), _plain(place.external_id)}
        # What is private in a private place that was named belongs to it; what is private in a public one does not.
        hidden = place.is_private and not outer_private
        outer = verdicts[inner] = _Verdict(
            readable=bool(own & named.include) or (outer.readable and not hidden),
            excluded=bool(own & named.exclude) or outer.excluded,
            internal=bool(own & named.internal) or outer.internal,
        )
        outer_private = place.is_private
    return outer


def _named(places: Places) -> _Named:
    return _Named(
        *(frozenset(map(_plain, said)) for said in (places.include, places.exclude, places.internal))
    )


def _plain(name: str) -> str:
    return name.strip().removeprefix("#").casefold()


# --- members ----------------------------------------------------------------------------------------------------


def _settle_members(
    session: Session, sources: Mapping[int, str], policy: Policy, *, everything: bool
) -> None:
    columns = select(
        Member.source_id, Member.external_id, Member.name, Member.email, Member.is_bot, Member.is_staff,
        Member.roles, Member.person, Member.standing,
    )  # fmt: skip
    if not everything:
        # Standing belongs to the person: all accounts of everyone who has one that waits.
        waiting = select(Member.person).where(Member.standing.is_(None))
        columns = columns.where(Member.person.in_(waiting))
    accounts = [_Account(*row) for row in session.execute(columns)]
    judges = {id_: _Judge.of(policy, name) for id_, name in sources.items()}
    bots = {account[:2] for account in accounts if judges[account.source_id].is_bot(account)}
    staff = {
        account.person
        for account in accounts
        if account[:2] not in bots and judges[account.source_id].is_staff(account)
    }
    changed = []
    for account in accounts:
        standing = "bot" if account[:2] in bots else "staff" if account.person in staff else "member"
        # Those that wait and are plain members, nearly all, are written by the one statement at the end.
        if account.standing != standing and (account.standing, standing) != (None, "member"):
            changed.append({"source": account.source_id, "id": account.external_id, "standing": standing})
    _write(session, Member, changed)
    session.connection().execute(update(Member).where(Member.standing.is_(None)).values(standing="member"))
    _tag_again(session, accounts, bots)


def _tag_again(session: Session, accounts: Iterable["_Account"], bots: AbstractSet[_Key]) -> None:
    """Queue what those wrote of whom it just turned out that they are bots, or none: bots bear no tags."""
    turned: dict[int, list[str]] = {}
    for account in accounts:
        is_bot = account[:2] in bots
        if is_bot != (account.standing == "bot") and (is_bot or account.standing is not None):
            turned.setdefault(account.source_id, []).append(account.external_id)
    for source, authors in turned.items():
        queue.queue_authors(session, source, authors)


class _Account(NamedTuple):
    source_id: int
    external_id: str
    name: str
    email: str | None
    is_bot: bool
    is_staff: bool
    roles: str
    person: str
    standing: str | None


class _Judge(NamedTuple):
    """The policy as it concerns one source."""

    bots: frozenset[str]
    staff: frozenset[str]
    emails: frozenset[str]
    domains: tuple[str, ...]
    roles: frozenset[str]
    flag: bool

    @classmethod
    def of(cls, policy: Policy, source: str) -> "_Judge":
        emails = {said.strip().casefold() for said in policy.staff_emails}
        domains = {email.removeprefix("@") for email in emails if email.startswith("@")}
        return cls(
            bots=frozenset(_of_source(policy.bot_members, source)),
            staff=frozenset(_of_source(policy.staff_members, source)),
            emails=frozenset(emails),
            domains=tuple(end for domain in sorted(domains) for end in (f"@{domain}", f".{domain}")),
            roles=frozenset(role.strip().casefold() for role in policy.staff_roles),
            flag=policy.staff_platform_flag,
        )

    def is_bot(self, account: _Account) -> bool:
        return account.is_bot or (bool(self.bots) and self._is_listed(account, self.bots))

    def is_staff(self, account: _Account) -> bool:
        if self.flag and account.is_staff:
            return True
        if account.email and (self.domains or self.emails):
            email = account.email.strip().casefold()
            # "ann@sub.acme.example" ends with ".acme.example"; "sub.acme.example" without @ is no address.
            if email in self.emails or ("@" in email and email[email.rindex("@") :].endswith(self.domains)):
                return True
        if self.roles and account.roles != "[]":
            roles: list[str] = orjson.loads(account.roles)
            if any(role.casefold() in self.roles for role in roles):
                return True
        return bool(self.staff) and self._is_listed(account, self.staff)

    @staticmethod
    def _is_listed(account: _Account, listed: frozenset[str]) -> bool:
        return account.name.casefold() in listed or account.external_id.casefold() in listed


def _of_source(accounts: Iterable[str], source: str) -> Iterator[str]:
    for account in accounts:
        name, _, handle = account.strip().partition(":")
        if name == source:
            yield handle.removeprefix("@").casefold()


def _write(session: Session, table: type[Channel | Member], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        this = and_(table.source_id == bindparam("source"), table.external_id == bindparam("id"))
        columns = rows[0].keys() - {"source", "id"}
        statement = update(table).where(this).values({column: bindparam(column) for column in columns})
        session.connection().execute(statement, rows)
