"""Accounts of one person: what was decided and undone, and what is suggested."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from connectors.records import Channel, Member, Message, Page
from storage import ingest, people, tables
from storage.database import Database
from storage.handles import is_unusual
from storage.people import AccountError
from storage.population import Places, Policy, settle

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SHARED = "ann@x.example"
CONNECTORS = {"team": "slack", "chat": "discord", "forum": "discourse"}


def fill(session: Session, **members: Iterable[Member]) -> None:
    """Members of team (source 1), chat (2) and forum (3), which exist always and in this order."""
    for name, connector in CONNECTORS.items():
        id_ = ingest.source_id(session, name, connector)
        ingest.save(session, id_, Page("s", None, NOON, members=list(members.get(name, ()))))


def ids(session: Session) -> dict[str, int]:
    return {source.name: source.id for source in session.scalars(select(tables.Source))}


def found(session: Session) -> list[tuple[set[str], str]]:
    """The suggestions, with accounts as people write them."""
    return [(set(people.handles(session, one.accounts)), one.reason) for one in people.suggest(session)]


def persons(session: Session) -> dict[str, str]:
    rows = session.execute(select(tables.Member.source_id, tables.Member.external_id, tables.Member.person))
    return {f"{source}:{id_}": person for source, id_, person in rows}


def merge(session: Session, *accounts: str, why: str = "") -> people.Merge:
    return people.merge(session, [people.find_account(session, one) for one in accounts], why, "test")


# --- suggestions ------------------------------------------------------------------------------------------------


def test_the_same_address_is_evidence(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[
                Member("U1", "ann", "Ann", email="Ann@x.example"),
                Member("U2", "bob", email="bob@x.example"),
            ],
            chat=[Member("D1", "ann_b", email="ann+discord@X.example")],
            forum=[
                Member("F1", "annie", email="ann@x.example"),
                Member("F2", "bobby", email="bob@y.example"),
            ],
        )
        reason = "they have the same e-mail address, ann@x.example"
        assert found(session) == [({"team:ann", "chat:ann_b", "forum:annie"}, reason)]


@pytest.mark.parametrize(
    "email",
    [
        "info@x.example",
        "no-reply@x.example",
        "[redacted]",
        "redacted@x.example",
        "***@***",
        "",
        "team+a@x.example",
    ],
)
def test_an_address_that_is_no_persons_is_no_evidence(database: Database, email: str) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann", email=email)], forum=[Member("F1", "bo", email=email)])
        assert found(session) == []


def test_an_address_that_accounts_of_one_source_share_is_no_evidence(database: Database) -> None:
    with database.write() as session:
        shared = "ann@x.example"
        fill(
            session,
            team=[Member("U1", "ann", email=shared), Member("U2", "bob", email=shared)],
            forum=[Member("F1", "annie", email=shared)],
        )
        assert found(session) == []


@pytest.mark.parametrize(
    ("one", "other", "link"),
    [
        ("https://github.com/Quill", "http://www.github.com/quill/", "github.com/quill"),
        ("https://twitter.com/quill", "x.com/Quill?lang=en", "x.com/quill"),
        ("https://linkedin.com/in/quill", "https://www.linkedin.com/in/quill/", "linkedin.com/in/quill"),
        ("https://ann.dev", "http://ann.dev/#about", "ann.dev"),  # the name of one of them stands in it
        ("https://ann.dev/Notes", "https://ann.dev/Notes", "ann.dev/Notes"),
    ],
)
def test_the_same_published_link_is_evidence(database: Database, one: str, other: str, link: str) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "ann", links=(one,))],
            forum=[Member("F1", "bee", links=(other, other))],
        )
        assert found(session) == [({"team:ann", "forum:bee"}, f"they publish the same link, {link}")]


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com",
        "https://acme.example",
        "https://github.com/acme/tool",
        "https://[broken",
        "localhost",
    ],
)
def test_a_link_that_many_publish_is_no_evidence(database: Database, link: str) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann", links=(link,))], forum=[Member("F1", "bee", links=(link,))])
        assert found(session) == []


def test_a_link_that_accounts_of_one_source_share_is_no_evidence(database: Database) -> None:
    with database.write() as session:
        links = ("https://github.com/quill",)
        fill(
            session,
            team=[Member("U1", "ann", links=links), Member("U2", "bob", links=links)],
            forum=[Member("F1", "bee", links=links)],
        )
        assert found(session) == []


def test_the_same_unusual_handle_is_evidence(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            chat=[Member("D1", "quillfeather", "quillfeather")],
            forum=[Member("F1", "QuillFeather", "Dale Pemberton")],
        )
        reason = 'they bear the same unusual handle, "quillfeather"'
        assert found(session) == [({"chat:quillfeather", "forum:QuillFeather"}, reason)]


@pytest.mark.parametrize(
    ("handle", "name", "unusual"),
    [
        ("quillfeather", "", True),
        ("zarzamora77", "Lucía (zarzamora77)", True),
        ("0xturnip", "Renske de Wit", True),
        ("toniovalca", "Antonio Valcárcel", True),
        ("quill", "", False),  # short
        ("123456789", "", False),  # a number
        ("dragon99", "", False),
        ("the_admin", "", False),
        ("super_admin", "", False),
        ("michael", "", False),
        ("maria.garcia", "", False),
        ("annagarcia", "", False),
        ("rwitkowski", "Renske Witkowski", False),
        ("witkowskirenske", "Renske Witkowski", False),
        ("ferrándiz", "Lucía Ferrándiz", False),
    ],
)
def test_which_handles_are_unusual(handle: str, name: str, unusual: bool) -> None:
    assert is_unusual(handle, name) is unusual


def test_a_handle_is_no_evidence_where_it_is_not_one_persons(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[
                Member("U1", "quillfeather"),
                Member("U2", "quillFeather"),
                Member("U3", "rwitkowski", "R Witkowski"),
            ],
            chat=[Member("123456789abcdef", "123456789abcdef")],
            forum=[
                Member("F1", "quillfeather"),
                Member("F3", "rwitkowski"),
                Member("123456789abcdef", "123456789abcdef"),
            ],
        )
        assert found(session) == []


def test_a_name_alone_is_never_evidence(database: Database) -> None:
    """Two people may be called the same, with handles made of their name, and write in the same places."""
    name = "María García"
    with database.write() as session:
        fill(
            session,
            team=[
                Member("U1", "maria.garcia", name, email="maria@one.example"),
                Member("U2", "mgarcia", name),
            ],
            chat=[
                Member("D1", "mariagarcia", name),
                Member("D2", "mgarcia", name),
                Member("D3", "Zyx Qwert", "Zyx Qwert"),
            ],
            forum=[
                Member("F1", "maria.garcia", name, email="maria@two.example"),
                Member("F2", "zyx", "Zyx Qwert"),
            ],
        )
        assert found(session) == []


def test_a_shared_name_is_told_beside_other_evidence(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "ann", "Ann Lee", email="ann@x.example")],
            forum=[Member("F1", "al", "Ann Lee", email="ann@x.example")],
        )
        assert (
            found(session)[0][1] == "they have the same e-mail address, ann@x.example; all are called Ann Lee"
        )


def test_bots_are_nobody(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "quillfeather", is_bot=True)],
            chat=[Member("D1", "quillfeather")],
            forum=[Member("F1", "quillfeather")],
        )
        settle(session, Policy(bot_members=("chat:quillfeather",)))
        assert found(session) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello! I'm pete_q on the forum, by the way",
        "I’m @pete_q on Discourse",
        "btw i am pete_q over on our forum",
        "on the forum I'm pete_q.",
        "You can find me on the forum as pete_q and nowhere else",
        "I'm dd_one on Discord and pete_q on the forum",
        "I'm Peter Quince on the forum",
        "soy @pete_q en el foro",
        "En el foro estoy como pete_q, saludos",
        "yo también: soy pete_q en el foro",
        "búscame en el foro como Peter Quince",
        "yes! I'm @pete_q over there",
        "soy @pete_q por allá",
    ],
)
def test_saying_so_is_evidence(database: Database, text: str) -> None:
    assert ({"team:ann", "forum:pete_q"}) in suggested_by(database, text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm new on the forum",
        "I'm here on the forum",
        "pete_q on the forum says so",
        "@pete_q is great on the forum",
        "I'm not pete_q on the forum",
        "I'm pete_q on Discord",
        "I'm twin on the forum",
        "I'm pete_q",
        "I'm pete_q over there",
        "he is @pete_q over there",
        "I am reading what pete_q wrote on the forum",
        "soy nadie en el foro",
    ],
)
def test_saying_something_else_is_not(database: Database, text: str) -> None:
    assert suggested_by(database, text) == []


def suggested_by(database: Database, text: str) -> list[set[str]]:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "ann", "Ann")],
            chat=[Member("D1", "dd_one")],
            forum=[
                Member("F1", "pete_q", "Peter Quince"), Member("F2", "new"), Member("F3", "here"), Member("F4", "nadie"),
                Member("F5", "Twin"), Member("F6", "twin"),
            ],
        )  # fmt: skip
        ingest.save(session, ids(session)["team"], Page("s", None, NOON, messages=[wrote("m", "U1", text)]))
        return [accounts for accounts, _ in found(session) if any("forum" in one for one in accounts)]


def wrote(id_: str, author: str, text: str = "", channel: str = "c") -> Message:
    return Message(id_, channel, author, NOON, text)


def test_the_reason_quotes_what_was_said(database: Database) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann", "Ann")], forum=[Member("F1", "pete_q")])
        text = "Hi all. I'm pete_q on the forum. My password is none of your business."
        ingest.save(session, ids(session)["team"], Page("s", None, NOON, messages=[wrote("m", "U1", text)]))
        assert found(session) == [({"team:ann", "forum:pete_q"}, 'Ann wrote "I\'m pete_q on the forum"')]


@pytest.mark.parametrize("settled", [True, False])
def test_what_was_said_in_private_is_not_quoted(database: Database, settled: bool) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann", "Ann")], forum=[Member("F1", "pete_q")])
        channels = [Channel("c", "leads", is_private=True)]
        messages = [wrote("m", "U1", "I'm pete_q on the forum")]
        ingest.save(
            session, ids(session)["team"], Page("s", None, NOON, channels=channels, messages=messages)
        )
        if settled:
            settle(session, Policy())
        assert found(session) == []
        settle(session, Policy(sources={"team": Places(include=("leads",))}))
        assert len(found(session)) == 1


def test_several_reasons_for_the_same_people_are_one_suggestion(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "quillfeather", email="ann@x.example", links=("github.com/quill",))],
            forum=[Member("F1", "quillfeather", email="ann@x.example", links=("github.com/quill",))],
        )
        assert found(session) == [
            (
                {"team:quillfeather", "forum:quillfeather"},
                (
                    "they have the same e-mail address, ann@x.example and they publish the same link, "
                    'github.com/quill and they bear the same unusual handle, "quillfeather"'
                ),
            )
        ]


def test_what_was_merged_is_not_suggested_nor_what_was_taken_apart(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "a1", email=SHARED)],
            chat=[Member("D1", "a2", email=SHARED)],
            forum=[Member("F1", "a3", email=SHARED), Member("F2", "unrelated")],
        )
        first = merge(session, "team:a1", "chat:a2")
        assert [accounts for accounts, _ in found(session)] == [{"team:a1", "forum:a3"}]
        merge(session, "chat:a2", "forum:a3")
        assert found(session) == []
        people.unmerge(session, first.id)
        # a1 and a2 were taken apart, and a3 is a2.
        assert found(session) == []


def test_taking_two_apart_leaves_the_third_suggested(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "a1", email=SHARED)],
            chat=[Member("D1", "a2", email=SHARED)],
            forum=[Member("F1", "a3", email=SHARED)],
        )
        people.unmerge(session, merge(session, "team:a1", "chat:a2").id)
        assert [accounts for accounts, _ in found(session)] == [
            {"team:a1", "forum:a3"},
            {"chat:a2", "forum:a3"},
        ]


# --- finding an account -----------------------------------------------------------------------------------------


def test_an_account_is_found_by_handle_and_by_id(database: Database) -> None:
    with database.write() as session:
        fill(
            session, team=[Member("U1", "ann", "Ann Lee"), Member("ann", "trick")], forum=[Member("7", "Ann")]
        )
        team, forum = ids(session)["team"], ids(session)["forum"]
        assert people.find_account(session, "team:U1") == f"{team}:U1"
        assert people.find_account(session, "team:ann") == f"{team}:ann"  # an id is an id first
        assert people.find_account(session, "forum:@ann") == f"{forum}:7"
        assert people.find_account(session, f"{forum}:7") == f"{forum}:7"
        assert people.handles(session, [f"{team}:U1", f"{team}:ann", f"{forum}:7"]) == [
            "team:U1",
            "team:trick",
            "forum:Ann",
        ]
        assert people.describe(session, [f"{team}:U1", f"{forum}:7"]) == "team:ann (Ann Lee) and forum:Ann"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ann", "Write the source and the handle"),
        ("team:", "Write the source and the handle"),
        ("taem:ann", 'Did you mean "team:ann"?'),
        ("team:annn", "Did you mean team:ann"),
        ("team:Ann Lee", "Did you mean team:ann?"),
        ("team:zzz", "Write its handle or its id"),
        ("forum:twin", "forum:F1 (One), forum:F2 (Two)"),
        ("99:U1", 'There is no source "99"'),
        ("team:100%", "Write its handle or its id"),
    ],
)
def test_an_account_that_is_not_found_is_told_with_a_cure(database: Database, text: str, said: str) -> None:
    with database.write() as session:
        twins = [Member("F1", "twin", "One"), Member("F2", "Twin", "Two")]
        fill(session, team=[Member("U1", "ann", "Ann Lee")], forum=twins)
        with pytest.raises(AccountError) as error:
            people.find_account(session, text)
        assert said in str(error.value)


# --- decisions --------------------------------------------------------------------------------------------------


def test_merging_and_undoing_is_kept_in_the_history(database: Database) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann")], forum=[Member("F1", "ann")])
        done = merge(session, "team:ann", "forum:ann", why="told me so")
        assert set(people.accounts_of(done)) == set(persons(session))
        assert people.person_of(session, done.accounts[1]) == done.accounts[0]
        assert people.unmerge(session, done.id) == [done.id]
        (kept,) = people.history(session)
        assert (kept.id, kept.why, kept.decided_by, kept.accounts) == (
            done.id,
            "told me so",
            "test",
            done.accounts,
        )
        assert kept.undone_at is not None
        assert all(account == person for account, person in persons(session).items())


@pytest.mark.parametrize("accounts", [["1:U1"], ["1:U1", "1:U1"], ["1:U1", "1:nobody"], ["1:U1", "x"], []])
def test_what_cannot_be_merged_is_told(database: Database, accounts: list[str]) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann")])
        named = [one.replace("1:", f"{ids(session)['team']}:") for one in accounts]
        with pytest.raises(AccountError):
            people.merge(session, named, "", "test")
        assert people.history(session) == []


def test_what_cannot_be_undone_is_told(database: Database) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann"), Member("U2", "bob"), Member("U3", "cat")])
        done = merge(session, "team:ann", "team:bob")
        with pytest.raises(AccountError, match="one person already"):
            merge(session, "team:bob", "team:ann")
        people.unmerge(session, done.id)
        with pytest.raises(AccountError, match="undone on"):
            people.unmerge(session, done.id)
        for number in (999, 10**20):
            with pytest.raises(AccountError, match=f"no merge number {number}"):
                people.unmerge(session, number)
        with pytest.raises(AccountError, match="team:cat is not merged"):
            people.unmerge(session, people.find_account(session, "team:cat"))


def test_an_account_is_taken_out_and_the_others_stay(database: Database) -> None:
    with database.write() as session:
        fill(session, team=[Member("U1", "ann")], chat=[Member("D1", "bob")], forum=[Member("F1", "cat")])
        merge(session, "team:ann", "chat:bob", "forum:cat", why="same name")
        ann, bob, cat = (people.find_account(session, one) for one in ("team:ann", "chat:bob", "forum:cat"))
        people.unmerge(session, ann)
        assert persons(session) == {ann: ann, bob: bob, cat: bob}
        assert people.history(session)[0].why == "what remained of merge 1: same name".replace(
            "1", str(people.history(session)[1].id)
        )


def test_standing_is_derived_again_for_everybody_touched(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "ann", is_staff=True), Member("U2", "bob")],
            forum=[Member("F1", "annie")],
        )
        settle(session, Policy())
        done = merge(session, "team:ann", "forum:annie")
        settle(session, Policy())
        assert standing(session) == {"U1": "staff", "U2": "member", "F1": "staff"}
        people.unmerge(session, done.id)
        settle(session, Policy())
        assert standing(session) == {"U1": "staff", "U2": "member", "F1": "member"}


def standing(session: Session) -> dict[str, str | None]:
    return {member.external_id: member.standing for member in session.scalars(select(tables.Member))}


def test_conversations_of_two_touched_accounts_are_tagged_again(database: Database) -> None:
    with database.write() as session:
        fill(
            session,
            team=[Member("U1", "ann"), Member("U2", "ann2"), Member("U3", "bob")],
            forum=[Member("F1", "annie")],
        )
        messages = [
            wrote("both-1", "U1"), wrote("both-2", "U2"), wrote("both-3", "U3"),
            wrote("one-1", "U1"), wrote("one-2", "U3"), wrote("alone", "U2"),
        ]  # fmt: skip
        ingest.save(session, ids(session)["team"], Page("s", None, NOON, messages=messages))
        for message in messages:
            session.execute(
                update(tables.Message)
                .where(tables.Message.external_id == message.id)
                .values(untagged=False, conversation_id=message.id.split("-")[0])
            )
        done = merge(session, "team:ann", "team:ann2", "forum:annie")
        assert untagged(session) == {"both-1", "both-2", "both-3"}
        session.execute(update(tables.Message).values(untagged=False))
        people.unmerge(session, done.id)
        assert untagged(session) == {"both-1", "both-2", "both-3"}


def untagged(session: Session) -> set[str]:
    return set(session.scalars(select(tables.Message.external_id).where(tables.Message.untagged)))


# --- properties -------------------------------------------------------------------------------------------------

_ACCOUNTS = st.integers(0, 7)
_STEP = st.one_of(
    st.sets(_ACCOUNTS, min_size=2, max_size=4),  # merge these
    st.integers(0, 20),  # undo that one of the standing decisions
    _ACCOUNTS.map(str),  # take this account out
)
_PROPERTY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def eight(session: Session) -> list[str]:
    fill(
        session,
        team=[Member(f"U{n}", f"u{n}") for n in range(4)],
        forum=[Member(f"F{n}", f"f{n}") for n in range(4)],
    )
    return sorted(persons(session))


def standing_merges(session: Session) -> list[people.Merge]:
    return [done for done in people.history(session) if done.undone_at is None]


def expected(accounts: list[str], merges: Iterable[Iterable[str]]) -> dict[str, str]:
    """The persons by plain relabelling, as slow and as simple as can be."""
    person = {account: account for account in accounts}
    for _ in accounts:
        for group in merges:
            least = min(person[account] for account in group)
            person.update(dict.fromkeys(group, least))
    return person


@_PROPERTY
@given(steps=st.lists(_STEP, max_size=14), random=st.randoms(use_true_random=False))
def test_any_merges_and_undoings(
    emptied: Callable[[], Database], steps: list[set[int] | int | str], random: Random
) -> None:
    with emptied().write() as session:
        accounts = eight(session)
        untouched = persons(session)
        for step in steps:
            standing_now = standing_merges(session)
            try:
                if isinstance(step, set):
                    people.merge(session, [accounts[n] for n in step], "", "test")
                elif isinstance(step, int) and standing_now:
                    people.unmerge(session, standing_now[step % len(standing_now)].id)
                elif isinstance(step, str):
                    people.unmerge(session, accounts[int(step)])
                    assert sum(p == accounts[int(step)] for p in persons(session).values()) <= 1
            except AccountError:
                pass
            stands = [done.accounts for done in standing_merges(session)]
            assert persons(session) == expected(accounts, stands)
        # The same decisions in another order, on a fresh start, make the same people.
        stands = [done.accounts for done in standing_merges(session)]
        people_now = persons(session)
        for done in random.sample(standing_merges(session), len(stands)):
            people.unmerge(session, done.id)
        assert persons(session) == untouched
        random.shuffle(stands)
        for group in stands:
            if len({persons(session)[account] for account in group}) > 1:
                people.merge(session, group, "", "test")
        assert persons(session) == people_now
