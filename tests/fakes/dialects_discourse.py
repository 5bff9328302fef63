"""Other forums: as Discourse's description of its API, its fixtures and its many versions and settings allow them."""

from itertools import cycle
from typing import Any

from multidict import MultiDict

from tests.fakes.dialects import Dialect, Said, altered, every, said, without, wordy

Row = dict[str, Any]
_PAGE_NOT_FOUND = "<!DOCTYPE html><html><body>Oops! That page doesn’t exist or is private.</body></html>"


def _is_post(row: Row) -> bool:
    return "post_number" in row and "cooked" in row


class Older(Dialect):
    """Tags are texts, numbers of posts are too, no `raw` is given where nobody asked for it, and names are nothing."""

    def prepare(self, fake: Any) -> None:
        fake.tag_objects = fake.solved_in_posts = fake.include_raw = False
        fake.paging = "old"

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        body = altered(said.body, self._older)
        if path == "/latest.json":
            body["topic_list"].pop("more_topics_url", None)
        if path == "/groups.json":
            body.pop("total_rows_groups", None)
        return said._replace(body=body)

    @staticmethod
    def _older(row: Row) -> Row:
        if _is_post(row):
            number = row["reply_to_post_number"]
            row = row | {"name": None, "reply_to_post_number": None if number is None else str(number)}
            return without(
                row, "version", "can_see_hidden_post", "display_username", "mentioned_users", "staff"
            )
        if "bumped_at" in row:
            return without(
                row,
                "last_read_post_number",
                "highest_post_number",
                "like_count",
                "external_id",
                "pinned_globally",
            )
        return row


class Oldest(Older):
    """As the oldest fixtures have it: bare lists, and notifications without a number."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        said = super().told(path, query, said)
        match path:
            case "/groups.json":
                return said._replace(body=said.body["groups"])
            case "/notifications.json":
                return said._replace(
                    body=[without(row, "id", "user_id") for row in said.body["notifications"]]
                )
        if path.startswith("/groups/"):
            said.body.pop("meta", None)
        return said


class Null(Dialect):
    """Says of much that it is nothing, and leaves holes where posts were."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        body = altered(said.body, self._null)
        if path == "/posts.json" and isinstance(body, dict) and "latest_posts" in body:
            body["latest_posts"].insert(1, None)
        return said._replace(body=body)

    @staticmethod
    def _null(row: Row) -> Row:
        if _is_post(row):
            nothing = (
                "name",
                "edit_reason",
                "reactions",
                "accepted_answer",
                "hidden",
                "deleted_at",
                "user_deleted",
                "wiki",
            )
            return row | {key: row.get(key) or None for key in nothing}
        if "bumped_at" in row:
            return row | {
                key: row.get(key) or None
                for key in ("tags", "last_posted_at", "has_accepted_answer", "pinned")
            }
        if "read_restricted" in row:
            return {"parent_category_id": None, "subcategory_list": None} | row
        if "posts" in row and "post_stream" not in row:
            return row | {"posts": [None, *row["posts"]]}
        return {"tags": None, "accepted_answer": None} | row if "post_stream" in row else row


class Wordy(Dialect):
    """Says more than anybody has heard of."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del path, query
        said.headers["Content-Type"] = "application/json"
        return said._replace(body=altered(said.body, wordy))


class Pages(Dialect):
    """Gives five posts where twenty are asked for, in another order; and seven topics and posts in a list."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        body = said.body
        if path.startswith("/t/") and isinstance(body, dict) and "post_stream" in body:
            body["post_stream"]["posts"] = body["post_stream"]["posts"][:5][::-1]
        if path == "/posts.json" and isinstance(body, dict) and "latest_posts" in body:
            body["latest_posts"] = body["latest_posts"][:7]
        if path == "/groups.json":
            page = int(query.get("asked") or 0)
            said.body["groups"] = body["groups"][page : page + 1]
        if path.startswith("/admin/users/list/"):
            page = int(query.get("asked") or 1)
            return said._replace(body=body[page * 2 - 2 : page * 2])
        return said

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method
        if path.startswith("/admin/users/list/") or path == "/groups.json":
            query["asked"] = query.pop("page", "")
        return None


class Streamless(Dialect):
    """Every topic is one of the very large ones, of which the forum does not say which posts are in it."""

    def prepare(self, fake: Any) -> None:
        fake.mega_from = 2

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method
        # It goes on only where there is more to come.
        if path.endswith("/posts.json") and path.startswith("/t/") and "post_ids[]" not in query:
            query["include_raw"] = "true"
        return None


class Below(Dialect):
    """A forum in a folder of a site, that leads on to the names of its topics; the bot's name is written otherwise."""

    prefix = "/community"

    def prepare(self, fake: Any) -> None:
        fake.settings["user"] = "Spaces"

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del query
        parts = path.strip("/").split("/")
        if method == "GET" and parts[0] == "t" and len(parts) == 2:
            return said("", 301, Location=f"/t/a-slug/{parts[1]}")
        return None


class Lesser(Dialect):
    """A key of a member: no lists of people, no groups, no session, no permissions; what is not there is a page."""

    ill = frozenset({"list of members"})

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method, query
        if path in {"/session/current.json", "/site/basic-info.json", "/t/external_id"}:
            return said(_PAGE_NOT_FOUND, 404)
        if path.startswith(("/admin/", "/groups", "/about", "/directory_items")):
            return said(
                {
                    "errors": ["You are not permitted to view the requested resource."],
                    "error_type": "invalid_access",
                },
                403,
            )
        return None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        if said.status == 404:
            said.headers["Content-Type"] = "text/html; charset=utf-8"
            return said._replace(body=_PAGE_NOT_FOUND)
        return (
            said if path != "/site.json" else said._replace(body=without(said.body, "groups", "categories"))
        )


class Limits(Dialect):
    """Refuses every fourth question for a moment, in all ways in which that can be said."""

    def __init__(self) -> None:
        self._turn = every(4)
        words = {"errors": ["You’ve performed this action too many times."], "error_type": "rate_limit"}
        self._forms = cycle((
            said(words | {"extras": {"wait_seconds": 0.05, "time_left": "a moment"}}, 429),
            said(words, 429, Retry_After="0.05"), said("Slow down.", 429, Retry_After="0"),
            said(words | {"extras": {"wait_seconds": "0.02"}}, 429, Retry_After="9"), said(words | {"extras": None}, 429, retry_after="0.03"),
        ))  # fmt: skip

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method, path, query
        return next(self._forms) if next(self._turn) else None


class Listless(Pages):
    """The list of the newest posts is switched off, and of a topic few posts are given at a time."""

    ill = frozenset({"newest posts"})

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        gone = said(_PAGE_NOT_FOUND, 404) if (method, path) == ("GET", "/posts.json") else None
        return gone or super().asked(method, path, query)


DIALECTS: dict[str, type[Dialect]] = {
    "older": Older, "oldest": Oldest, "null": Null, "wordy": Wordy, "pages": Pages, "streamless": Streamless, "below": Below,
    "lesser": Lesser, "limits": Limits, "listless": Listless,
}  # fmt: skip
