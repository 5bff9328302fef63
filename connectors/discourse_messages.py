"""What a Discourse forum's answers mean in our words: posts, topics, categories and accounts, live or from an archive.

Pure functions over the JSON that a forum gives; nothing here asks anybody anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.discourse_tags import tags_of
from connectors.paging import Draft
from connectors.records import Channel, Join, Member, Message
from connectors.text import plain
from connectors.values import identity, iso_moment, micros, number, words

UNCATEGORIZED = "uncategorized"
"""The channel of topics without a category."""
SYSTEM_BOTS = frozenset({-1, -2})

_REGULAR, _MODERATOR_ACTION = 1, 2
_KINDS = {3: "small action", 4: "whisper"}
_LIKE = 2


class Topic(NamedTuple):
    """What the posts of one topic have in common."""

    id: str
    channel: str
    title: str
    slug: str
    solved: int | None = None
    """The number of the post that is the accepted answer, where the topic names it."""
    is_gone: bool = False
    is_private: bool = False
    """A private message."""
    tags: tuple[str, ...] = ()


def topic_of(facts: Mapping[str, Any]) -> Topic:
    """A topic, from the answer of `/t/{id}.json`.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    category, accepted = facts.get("category_id"), facts.get("accepted_answer")
    return Topic(
        identity(facts["id"]),
        UNCATEGORIZED if category is None else identity(category),
        words(facts["title"]),
        words(facts.get("slug")),
        accepted.get("post_number") if isinstance(accepted, dict) else None,
        bool(facts.get("deleted_at")),
        facts.get("archetype") == "private_message",
        tags_of(facts),
    )


def topic_of_post(post: Mapping[str, Any], solved: int | None = None, tags: tuple[str, ...] = ()) -> Topic:
    """A topic, from what each post in `/posts.json` says of it, and what is known of it beside.

    Raises:
        KeyError, TypeError, ValueError: the post does not say it.
    """
    category = post["category_id"]
    return Topic(
        identity(post["topic_id"]),
        UNCATEGORIZED if category is None else identity(category),
        words(post["topic_title"]),
        words(post.get("topic_slug")),
        solved,
        tags=tags,
    )


def category_of(row: Mapping[str, Any], parent: str | None, url: str) -> Channel:
    """A category.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is none.
    """
    id_, name, slug = identity(row["id"]), words(row["name"]), words(row.get("slug"))
    above = row.get("parent_category_id")
    return Channel(
        id_, name, parent if above is None else identity(above), row.get("read_restricted") is True,
        url=f"{url}/c/{slug or '-'}/{id_}" if url else None,
    )  # fmt: skip


def categories_below(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The sub-categories that stand inside a category's row."""
    below = row.get("subcategory_list") or ()
    return (item for item in below if isinstance(item, dict))


def tell_post(
    post: Any,
    topic: Topic,
    answered: Any,
    url: str,
    known: set[str],
    draft: Draft,
    *,
    solved: bool | None = None,
) -> None:
    """Write a post into the draft: a message, a deletion, or a count of what it is instead.

    Args:
        post: as the forum gives it.
        topic: the topic it stands in.
        answered: the id of the post it replies to, if any.
        url: the forum's address; empty where nobody knows it.
        known: the authors who need no introduction; the author is added.
        draft: where to write.
        solved: overrules what the post and its topic say about its being the accepted answer.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no post.
    """
    id_, at = identity(post["id"]), post["post_number"]
    if topic.is_gone or post.get("deleted_at") or post.get("user_deleted"):
        draft.gone(id_)
        draft.left_out["deleted post"] += 1
        return
    if kind := left_out(post):
        draft.left_out[kind] += 1
        return
    created_at, updated = iso_moment(post["created_at"]), post.get("updated_at")
    is_edited = bool(updated) and (updated != post["created_at"] or (post.get("version") or 1) > 1)
    text = words(post["raw"]) if post.get("raw") is not None else plain(words(post.get("cooked")))
    link = "/".join(filter(None, (url, "t", topic.slug, topic.id))) if url else None
    draft.messages.append(
        Message(
            id_,
            topic.channel,
            author_of(post, known, draft),
            created_at,
            f"{topic.title}\n{text}" if at == 1 else text,
            topic.id,
            at == 1,
            None if answered is None else identity(answered),
            micros(iso_moment(updated)) if is_edited else 0,
            _counted(post),
            _is_solution(post, topic) if solved is None else solved,
            None if link is None else f"{link}/{at}",
            topic.tags if at == 1 else (),
        )
    )


def _is_solution(post: Any, topic: Topic) -> bool:
    """The post's own word is newer than what its topic said when that was last read."""
    said = post.get("accepted_answer")
    return bool(post["post_number"] == topic.solved) if said is None else said is True


def author_of(post: Any, known: set[str], draft: Draft) -> str | None:
    """The author's id; what the post says of somebody new goes into the draft."""
    id_ = post.get("user_id")
    name = post.get("username")
    if id_ is None and not name:
        return None
    author = identity(name if id_ is None else id_)
    if author not in known:
        draft.members.append(
            Member(
                author, words(name) or author, words(post.get("name")), words(post.get("email")) or None,
                is_bot=id_ in SYSTEM_BOTS, is_staff=_is_staff(post), complete=False,
            )
        )  # fmt: skip
        known.add(author)
    return author


def tell_account(row: Any, draft: Draft, roles: tuple[str, ...] | None = None) -> str:
    """Write an account into the draft, with the day it joined; returns its id.

    Args:
        row: a profile, or a row of a list of accounts.
        draft: where to write.
        roles: the names of its groups, where the row itself does not say them.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no account.
    """
    id_ = identity(row["id"])
    website = words(row.get("website"))
    groups = tuple(words(group["name"]) for group in row.get("groups") or () if not group.get("automatic"))
    draft.members.append(
        Member(
            id_, words(row["username"]), words(row.get("name")), words(row.get("email")) or None,
            is_bot=row["id"] in SYSTEM_BOTS, is_staff=_is_staff(row), roles=groups if roles is None else roles,
            links=(website,) if website else (),
            is_active=not (row.get("suspended_till") or row.get("active") is False),
        )
    )  # fmt: skip
    if row.get("created_at") and row["id"] not in SYSTEM_BOTS:
        draft.joins.append(Join(id_, iso_moment(row["created_at"])))
    return id_


def mark_bot(name: str, draft: Draft) -> None:
    """Make the account of this name a program's, whatever the forum calls it: it is our own."""
    draft.members = [
        member._replace(is_bot=True) if member.name.casefold() == name.casefold() else member
        for member in draft.members
    ]


def left_out(post: Any) -> str | None:
    """Why a post is no message; None when it is one."""
    if post.get("hidden"):
        return "hidden post"
    kind = post.get("post_type", _REGULAR)
    if kind == _MODERATOR_ACTION:
        return None if (post.get("raw") or post.get("cooked") or "").strip() else "moderator action"
    return None if kind == _REGULAR else _KINDS.get(kind, f"post of type {kind}")


def number_of(post: Any) -> int:
    """A post's place in its topic, from 1; 0 where it does not say."""
    found = post.get("post_number") if isinstance(post, dict) else 0
    return found if isinstance(found, int) else 0


def answers_to(post: Any) -> int | None:
    """The number, in its topic, of the post that this one replies to: told as a number or as a text."""
    found = post.get("reply_to_post_number")
    if isinstance(found, str) and found.isdecimal():
        return int(found)
    return found if type(found) is int else None


def posts_in(facts: Any) -> list[Any]:
    """The posts that a topic's answer shows; of a hidden one nothing may stand there."""
    return [row for row in facts["post_stream"]["posts"] if isinstance(row, dict)]


def _counted(post: Any) -> dict[str, int]:
    """Reactions; where the forum has only likes, these are hearts."""
    counts = {
        words(item["id"]): number(item["count"]) for item in post.get("reactions") or () if item.get("count")
    }
    if not counts:
        likes = sum(
            number(item.get("count") or 0)
            for item in post.get("actions_summary") or ()
            if item["id"] == _LIKE
        )
        counts = {"heart": likes} if likes else {}
    return counts


def _is_staff(row: Any) -> bool:
    return any(row.get(mark) is True for mark in ("admin", "moderator", "staff"))
