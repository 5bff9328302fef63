"""Who counts as what, and which channels are counted."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from connectors.records import Channel, Member, Message, Page
from storage import ingest, tables
from storage.database import Database
from storage.population import Places, Policy, settle, unknown_channels

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def save(
    session: Session,
    *,
    members: Iterable[Member] = (),
    channels: Iterable[Channel] = (),
    messages: Iterable[Message] = (),
    source: str = "team",
    at: datetime = NOON,
) -> int:
    id_ = ingest.source_id(session, source, "slack")
    page = Page("s", None, at, members=list(members), channels=list(channels), messages=list(messages))
    ingest.save(session, id_, page)
    return id_


def standings(session: Session) -> dict[str, str | None]:
    rows = session.execute(select(tables.Member.external_id, tables.Member.standing))
    return {id_: standing for id_, standing in rows}  # noqa: C416 - a row is no pair to mypy


def counted(session: Session) -> set[str]:
    return set(session.scalars(select(tables.Channel.external_id).where(tables.Channel.counted.is_(True))))


def internal(session: Session) -> set[str]:
    return set(session.scalars(select(tables.Channel.external_id).where(tables.Channel.is_internal)))


def test_staff_by_flag_role_domain_address_and_list(database: Database) -> None:
    policy = Policy(
        staff_emails=("@Acme.example", "Ann@x.example"),
        staff_roles=("Team",),
        staff_members=("team:Listed", "team:U8", "forum:plain"),
        bot_members=("team:@deploy",),
    )
    members = [
        Member("flag", "flag", is_staff=True),
        Member("role", "role", roles=("Beginner", "team")),
        Member("domain", "domain", email="bo@ACME.example"),
        Member("sub", "sub", email="bo@mail.acme.example"),
        Member("near", "near", email="bo@notacme.example"),
        Member("trick", "trick", email="acme.example@evil.example"),
        Member("address", "address", email="ann@X.example"),
        Member("other", "other", email="bob@x.example"),
        Member("listed", "LISTED"),
        Member("U8", "by-id"),
        Member("plain", "plain", display_name="Listed", roles=("Teams",)),
        Member("bot", "bot", is_bot=True, is_staff=True),
        Member("deploy", "deploy", email="deploy@acme.example"),
    ]
    with database.write() as session:
        save(session, members=members)
        settle(session, policy)
        found = standings(session)
    staff = {"flag", "role", "domain", "sub", "address", "listed", "U8"}
    bots = {"bot", "deploy"}
    assert found == {
        member.id: "staff" if member.id in staff else "bot" if member.id in bots else "member"
        for member in members
    }


def test_the_platforms_mark_can_be_ignored(database: Database) -> None:
    with database.write() as session:
        save(session, members=[Member("boss", "boss", is_staff=True)])
        settle(session, Policy(staff_platform_flag=False))
        assert standings(session) == {"boss": "member"}
        settle(session, Policy())
        assert standings(session) == {"boss": "staff"}


def test_all_accounts_of_a_person_are_staff_and_bots_stay_bots(database: Database) -> None:
    with database.write() as session:
        team = save(session, members=[Member("ann", "ann", is_staff=True), Member("bee", "bee")])
        forum = save(
            session, members=[Member("ann2", "ann2"), Member("annbot", "annbot", is_bot=True)], source="forum"
        )
        person = f"{team}:ann"
        session.execute(update(tables.Member).where(tables.Member.source_id == forum).values(person=person))
        settle(session, Policy())
        assert standings(session) == {"ann": "staff", "bee": "member", "ann2": "staff", "annbot": "bot"}


def test_the_staff_role_of_a_bot_makes_nobody_staff(database: Database) -> None:
    with database.write() as session:
        team = save(
            session, members=[Member("ann", "ann"), Member("her-bot", "b", is_bot=True, is_staff=True)]
        )
        session.execute(update(tables.Member).values(person=f"{team}:ann"))
        settle(session, Policy())
        assert standings(session) == {"ann": "member", "her-bot": "bot"}


def test_a_changed_account_changes_its_person_whole(database: Database) -> None:
    with database.write() as session:
        team = save(session, members=[Member("ann", "ann", is_staff=True)])
        save(session, members=[Member("ann2", "ann2")], source="forum")
        session.execute(update(tables.Member).values(person=f"{team}:ann"))
        settle(session, Policy())
        assert standings(session) == {"ann": "staff", "ann2": "staff"}
        save(session, members=[Member("ann", "ann", is_staff=False)], at=NOON + timedelta(hours=1))
        settle(session, Policy())
        assert standings(session) == {"ann": "member", "ann2": "member"}


def test_another_policy_settles_everything_again_and_the_same_nothing(database: Database) -> None:
    with database.write() as session:
        save(
            session, members=[Member("ann", "ann", email="ann@acme.example")], channels=[Channel("c", "help")]
        )
        settle(session, Policy())
        # A mark that only a full settling would remove.
        session.execute(update(tables.Member).values(standing="bot"))
        session.execute(update(tables.Channel).values(counted=False))
        settle(session, Policy(sources={}))
        assert (standings(session), counted(session)) == ({"ann": "bot"}, set())
        settle(session, Policy(staff_emails=("@acme.example",)))
        assert (standings(session), counted(session)) == ({"ann": "staff"}, {"c"})


def test_the_order_of_a_policy_does_not_matter() -> None:
    one = Policy(sources={"a": Places(include=("x", "y")), "b": Places()}, staff_roles=("r", "s"))
    same = Policy(sources={"b": Places(), "a": Places(include=("y", "x"))}, staff_roles=("s", "r"))
    assert one.fingerprint() == same.fingerprint()
    assert one.fingerprint() != replace(one, bot_members=("a:b",)).fingerprint()
    assert one.fingerprint() != replace(one, sources={"a": Places(exclude=("x", "y"))}).fingerprint()


CHANNELS = [
    Channel("cat", "Products"),
    Channel("help", "help", parent_id="cat"),
    Channel("thread", "my backup fails", parent_id="help"),
    Channel("secret-thread", "psst", parent_id="help", is_private=True),
    Channel("priv", "leads", is_private=True),
    Channel("priv-thread", "about x", parent_id="priv", is_private=True),
    Channel("priv-open-thread", "about y", parent_id="priv"),
    Channel("team", "staff-room"),
    Channel("team-thread", "lunch", parent_id="team"),
    Channel("lost", "lost", parent_id="nowhere"),
]
PUBLIC = {"cat", "help", "thread", "team", "team-thread", "lost"}
PRIVATE = {"priv", "priv-thread", "priv-open-thread"}


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (Places(), PUBLIC),
        (Places(include=("#Leads",)), PUBLIC | PRIVATE),
        (Places(include=("priv",)), PUBLIC | PRIVATE),
        (Places(include=("help",)), PUBLIC),  # what is private inside a public channel was not named
        (Places(include=("psst",)), PUBLIC | {"secret-thread"}),
        (Places(include=("leads",), exclude=("leads",)), PUBLIC),
        (Places(include=("about y",)), PUBLIC | {"priv-open-thread"}),
        (Places(exclude=("Products",)), PUBLIC - {"cat", "help", "thread"}),
        (Places(exclude=("Products",), include=("help", "thread")), PUBLIC - {"cat", "help", "thread"}),
        (Places(exclude=("thread",)), PUBLIC - {"thread"}),
    ],
)
def test_which_channels_are_counted(database: Database, places: Places, expected: set[str]) -> None:
    with database.write() as session:
        save(session, channels=CHANNELS)
        settle(session, Policy(sources={"team": places, "forum": Places(exclude=("help",))}))
        assert counted(session) == expected
        assert session.scalar(select(tables.Channel).where(tables.Channel.counted.is_(None))) is None


def test_names_of_no_channel_are_told(database: Database) -> None:
    with database.write() as session:
        save(session, channels=CHANNELS)
        save(session, source="forum")
        places = Places(include=("leads", "laeds"), exclude=("#Help", "laeds"), internal=("team",))
        policy = Policy(sources={"team": places, "forum": Places(exclude=("not imported yet",))})
        assert unknown_channels(session, policy) == ["team: laeds"]


def test_what_is_inside_an_internal_channel_is_internal(database: Database) -> None:
    with database.write() as session:
        save(session, channels=CHANNELS)
        settle(session, Policy(sources={"team": Places(internal=("staff-room", "cat"))}))
        assert internal(session) == {"team", "team-thread", "cat", "help", "thread", "secret-thread"}
        settle(session, Policy())
        assert internal(session) == set()


def test_a_parent_that_turns_private_hides_its_threads(database: Database) -> None:
    with database.write() as session:
        save(session, channels=[Channel("help", "help"), Channel("thread", "t", parent_id="help")])
        settle(session, Policy())
        assert counted(session) == {"help", "thread"}
        save(session, channels=[Channel("help", "help", is_private=True)], at=NOON + timedelta(hours=1))
        settle(session, Policy())
        assert counted(session) == set()


def test_channels_inside_each_other_do_not_hang(database: Database) -> None:
    with database.write() as session:
        save(
            session,
            channels=[
                Channel("a", "a", parent_id="b"),
                Channel("b", "b", parent_id="a"),
                Channel("c", "c", parent_id="c"),
            ],
        )
        settle(session, Policy(sources={"team": Places(exclude=("a",))}))
        assert counted(session) >= {"c"}
        assert "a" not in counted(session)


def test_the_same_ids_in_two_sources_are_apart(database: Database) -> None:
    with database.write() as session:
        for source in ("team", "forum"):
            save(session, members=[Member("1", "ann")], channels=[Channel("1", "help")], source=source)
        settle(session, Policy(sources={"forum": Places(exclude=("help",))}, staff_members=("forum:ann",)))
        rows = session.execute(
            select(tables.Source.name, tables.Channel.counted, tables.Member.standing)
            .join(tables.Channel, tables.Channel.source_id == tables.Source.id)
            .join(tables.Member, tables.Member.source_id == tables.Source.id)
        )
        assert {tuple(row) for row in rows} == {("team", True, "member"), ("forum", False, "staff")}


def test_who_turns_out_to_be_a_bot_is_tagged_again_and_nobody_else(database: Database) -> None:
    wrote = [Message("m1", "help", "deploy", NOON, "done"), Message("m2", "help", "ann", NOON, "thanks")]
    with database.write() as session:
        save(session, members=[Member("deploy", "deploy"), Member("ann", "ann")], messages=wrote)
        settle(session, Policy())

    def queued_after(policy: Policy) -> set[str]:
        with database.write() as session:
            session.execute(update(tables.Message).values(untagged=False))
            settle(session, policy)
            return set(session.scalars(select(tables.Message.external_id).where(tables.Message.untagged)))

    named = Policy(bot_members=("team:deploy",))
    assert queued_after(Policy()) == set()
    assert queued_after(named) == {"m1"}
    assert queued_after(named) == set()
    assert queued_after(Policy()) == {"m1"}
