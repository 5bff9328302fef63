"""Who may ask what: the roles of a person, over all their accounts, and the rights that the configuration gives them.

Rights belong to the person: whoever is a moderator with one account is one with all that were merged with it. Bots have
none at all, and so have accounts that are closed.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.settings import Config, Right
from connectors import records
from storage.tables import Member, Source

_GUESTS = frozenset({"guest", "external"})


class Closed(Exception):
    """The account is deactivated."""


class _Account(NamedTuple):
    source: str
    id: str
    name: str
    roles: tuple[str, ...]
    is_staff: bool


def rights_of(
    session: Session, config: Config, source: str, asker: records.Member
) -> frozenset[Right] | None:
    """What the asker may do; None for a bot.

    Of an asker who is `complete` the roles are those told with the command, else those stored.

    Raises:
        Closed: the account is deactivated.
    """
    sources = {id_: name for id_, name in session.execute(select(Source.id, Source.name))}  # noqa: C416 - rows are no pairs to mypy
    stored = _own(session, source, asker.id)
    if asker.is_bot or (stored is not None and (stored.is_bot or stored.standing == "bot")):
        return None
    if not asker.is_active or (stored is not None and not stored.is_active):
        raise Closed
    accounts = [_told(source, asker, stored)]
    if stored is not None:
        others = session.scalars(select(Member).where(Member.person == stored.person))
        accounts += [
            _Account(sources[each.source_id], each.external_id, each.name, _roles(each), each.is_staff)
            for each in others
            if each is not stored and each.is_active and not each.is_bot and each.standing != "bot"
        ]
    roles, rights = config.roles, set(config.rights.everyone)
    admin = roles.platform_admins and any(account.is_staff for account in accounts)
    if admin or _is_one(session, accounts, roles.moderators):
        rights.update(config.rights.moderators)
    if _is_one(session, accounts, roles.analysts):
        rights.update(config.rights.analysts)
    return frozenset(rights)


def is_guest(session: Session, source: str, asker: records.Member) -> bool:
    """Whether the platform says that this account does not see all public channels."""
    told = _told(source, asker, _own(session, source, asker.id))
    return not _GUESTS.isdisjoint(role.casefold() for role in told.roles)


def _own(session: Session, source: str, member_id: str) -> Member | None:
    here = select(Member).join(Source, Source.id == Member.source_id)
    return session.scalar(here.where(Source.name == source, Member.external_id == member_id))


def _told(source: str, asker: records.Member, stored: Member | None) -> _Account:
    """The asker's own account: as the platform just told, or as it is stored where it told little."""
    if asker.complete or stored is None:
        name = asker.name or (stored.name if stored else "")
        return _Account(source, asker.id, name, asker.roles, asker.is_staff)
    roles = tuple({*asker.roles, *_roles(stored)})
    return _Account(source, asker.id, stored.name, roles, asker.is_staff or stored.is_staff)


def _roles(member: Member) -> tuple[str, ...]:
    return tuple(orjson.loads(member.roles))


def _is_one(session: Session, accounts: Iterable[_Account], named: Iterable[str]) -> bool:
    """Whether one of the accounts bears a role of these names, or is named itself ("team:alice")."""
    wanted = {name.strip().removeprefix("@").casefold() for name in named}
    if not wanted:
        return False
    for account in accounts:
        if any(role.casefold() in wanted for role in account.roles):
            return True
        if f"{account.source}:{account.id}".casefold() in wanted:
            return True
        handle = account.name.casefold()
        if {f"{account.source}:{handle}", f"{account.source}:@{handle}"} & wanted and _is_alone(
            session, account
        ):
            return True
    return False


def _is_alone(session: Session, account: _Account) -> bool:
    """Whether nobody else on the source is called like this, by handle or id: else only the id tells who is meant."""
    same = select(func.count()).select_from(Member).join(Source, Source.id == Member.source_id)
    found = session.scalar(
        same.where(
            Source.name == account.source,
            or_(
                func.lower(Member.name) == account.name.lower(),
                func.lower(Member.external_id) == account.name.lower(),
            ),
            Member.external_id != account.id,
        )
    )
    return not found
