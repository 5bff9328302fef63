"""Everything that can be set, as frozen models with their defaults, and what makes a setting wrong.

`config.example.toml` says what each means; a test holds it complete. Reading the file is `bot.config`'s part.
"""

import re
from typing import Annotated, Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bot import environment
from bot.judge.settings import Judge
from bot.mistakes import shown, suggestion
from bot.schedules.settings import Schedule
from bot.section import Section as _Section
from bot.section import existing_source, existing_zone, web_address
from bot.section import wrong as _wrong
from bot.spaces.catalogue import LABELS
from bot.spaces.model import Area
from connectors import base
from storage.population import Places, Policy

_LAST_PORT = 65_535
_LONGEST_NAME = 40
_SOURCE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _account(text: str, info: ValidationInfo) -> str:
    """An account, as people write one: source, colon, handle or id."""
    source, colon, name = text.partition(":")
    if not colon or not name:
        raise _wrong(f"{shown(text)} is no account", 'Write the source and the handle: "team:alice".')
    existing_source(source, info, f":{name}")
    return text


def _role(text: str, info: ValidationInfo) -> str:
    """A role's name, or an account."""
    if not text.strip().removeprefix("@"):
        raise _wrong("a role has no name", 'Write a role, a group or an account: "moderators", "team:alice".')
    # "team:alice" is an account; no platform's role is called like this.
    return _account(text, info) if re.match(r"[a-z][a-z0-9_-]*:\S", text) else text


def _label(name: str) -> str:
    if name not in LABELS:
        raise _wrong(f"there is no label {shown(name)}", suggestion(name, LABELS))
    return name


def _staff_address(text: str) -> str:
    name, at, domain = text.strip().rpartition("@")
    if not at or "." not in domain or "@" in name:
        cure = 'Write "@acme.example" for a whole domain, or "ann@acme.example" for one person.'
        raise _wrong(f"{shown(text)} is no e-mail address or domain", cure)
    return text.strip()


def _source_name(name: str) -> str:
    if not _SOURCE_NAME.fullmatch(name):
        cure = "Use small letters, digits, - and _, with a letter first: [sources.team]."
        raise _wrong(f"a source cannot be called {shown(name)}", cure)
    if name in environment.RESERVED:
        raise _wrong(
            f'a source cannot be called "{name}"', "Choose another name: this one has a meaning of its own."
        )
    return name


def _schedule_name(name: str) -> str:
    if not _SOURCE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        cure = "Use small letters, digits, - and _, with a letter first, 40 at most: [schedules.weekly-team]."
        raise _wrong(f"a schedule cannot be called {shown(name)}", cure)
    return name


Account = Annotated[str, AfterValidator(_account)]
Role = Annotated[str, AfterValidator(_role)]
LabelName = Annotated[str, AfterValidator(_label)]
SourceName = Annotated[str, AfterValidator(_source_name)]
ScheduleName = Annotated[str, AfterValidator(_schedule_name)]


class Community(_Section):
    """Who the digest is about, and in which words and order it is told."""

    name: str = "Our community"
    purpose: str = ""
    timezone: str = "UTC"
    language: Literal["en", "es"] = "en"
    areas: tuple[Area, ...] = tuple(Area)
    north_star: Area | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose midnights cut the windows."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str) -> str:
        return existing_zone(name)

    @field_validator("areas")
    @classmethod
    def _once(cls, areas: tuple[Area, ...]) -> tuple[Area, ...]:
        if not areas or len(set(areas)) < len(areas):
            raise _wrong("an area is named twice, or none is", f"Choose among {', '.join(Area)}, each once.")
        return areas

    @field_validator("north_star")
    @classmethod
    def _shown(cls, area: Area | None, info: ValidationInfo) -> Area | None:
        if area is not None and area not in info.data.get("areas", Area):
            raise _wrong(f'"{area}" is not among the areas', "Add it to areas, or choose another.")
        return area


class DatabaseSettings(_Section):
    """Where everything is kept. The address may hold a password from the environment, so it is never shown."""

    url: str = Field(default="sqlite:///spaces.sqlite3", repr=False)

    @field_validator("url")
    @classmethod
    def _supported(cls, url: str) -> str:
        scheme = url.partition("://")[0].partition("+")[0]
        if "://" not in url or scheme not in {"sqlite", "postgresql", "postgres"}:
            cure = "Write sqlite:///spaces.sqlite3 or postgresql://user@host/name."
            raise _wrong("it is no address of a SQLite or PostgreSQL database", cure)
        return url


class Source(_Section):
    """One place where the community meets: an instance of a connector."""

    connector: str
    url: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    server: str = ""
    user: str = ""
    events: Literal["socket", "http"] = "socket"
    listen: str = ""
    poll_seconds: float = Field(default=30, ge=0.05, le=86_400)
    history_days: int = Field(default=90, ge=0, le=36_500)
    keep_text_days: int | None = Field(default=None, ge=0, le=36_500)
    open: bool = False
    api_url: str = ""
    gateway_url: str = ""

    @field_validator("connector")
    @classmethod
    def _installed(cls, name: str) -> str:
        installed = base.names()
        if name not in installed:
            raise _wrong(f"there is no connector {shown(name)}", suggestion(name, installed))
        return name

    @field_validator("url", "api_url", "gateway_url")
    @classmethod
    def _web(cls, url: str, info: ValidationInfo) -> str:
        schemes = "wss?|https?" if info.field_name == "gateway_url" else "https?"
        return web_address(url, schemes, "https://acme.slack.com")

    @field_validator("listen")
    @classmethod
    def _port(cls, address: str) -> str:
        _, colon, port = address.rpartition(":")
        if address and not (colon and port.isdecimal() and int(port) <= _LAST_PORT):
            raise _wrong(f"{shown(address)} is no address to listen at", 'Write it as "127.0.0.1:8322".')
        return address


class Staff(_Section):
    """Who works for the community's owner: shown apart, never among the members."""

    emails: tuple[Annotated[str, AfterValidator(_staff_address)], ...] = ()
    roles: tuple[str, ...] = ()
    members: tuple[Account, ...] = ()
    platform_flag: bool = True


class Bots(_Section):
    """Accounts that are programs though their platform does not say so."""

    members: tuple[Account, ...] = ()


class Recognition(_Section):
    """Who is thanked in public."""

    opt_out: tuple[Account, ...] = ()


class Support(_Section):
    """How long a question may wait."""

    answer_days: int = Field(default=7, ge=1, le=365)


class Estimate(NamedTuple):
    """What nobody knows exactly: the least, the likely and the most."""

    low: float
    base: float
    high: float


def _estimate(numbers: Any) -> Any:
    good = isinstance(numbers, list | tuple) and len(numbers) == 3  # noqa: PLR2004 - low, base, high
    if not good or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise _wrong("must be three numbers", "Write the least, the likely and the most: [5, 12, 25].")
    if not 0 <= numbers[0] <= numbers[1] <= numbers[2] < float("inf"):
        raise _wrong(
            "the three numbers must grow, from 0 on", "Write the least first, the most last: [5, 12, 25]."
        )
    return Estimate(*map(float, numbers))


class Run(_Section):
    """How `spaces run` goes about it."""

    port: int = Field(default=8321, ge=0, le=_LAST_PORT)
    sweep_hours: float = Field(default=6, ge=0, le=8_760)
    sweep_days: float = Field(default=7, ge=0, le=3_650)
    lease_seconds: float = Field(default=30, ge=0.2, le=3_600)
    report_to: str = ""

    @field_validator("report_to")
    @classmethod
    def _place(cls, text: str, info: ValidationInfo) -> str:
        source, colon, channel = text.partition(":")
        if text and not (colon and source and channel.strip("#/ ")):
            raise _wrong(f"{shown(text)} is no place", 'Write the source and the channel: "team:#ops".')
        if text:
            existing_source(source, info, f":{channel}")
        return text


class Roles(_Section):
    """Who is who, for what people may ask of the bot: names of roles, groups or accounts ("team:alice")."""

    moderators: tuple[Role, ...] = ()
    analysts: tuple[Role, ...] = ()
    platform_admins: bool = True
    """Whether the platform's own administrators and moderators are moderators here."""


Right = Literal["read", "quote", "publish", "tag", "record", "goal", "operate"]
RIGHTS: tuple[Right, ...] = get_args(Right)


class Rights(_Section):
    """What each role may do. Who is of several roles has the rights of all; everyone's are everybody's."""

    everyone: tuple[Right, ...] = ("read",)
    analysts: tuple[Right, ...] = ("read", "quote", "publish", "record")
    moderators: tuple[Right, ...] = RIGHTS


class Tagging(_Section):
    """What moderators' reactions, and the topic tags of a platform, mean."""

    classifier: Literal["model", "rules"] = "model"
    emoji: dict[str, LabelName] = Field(default_factory=dict)
    topic_tags: dict[str, LabelName] = Field(default_factory=dict)


class Value(_Section):
    """Assumptions behind every figure of money; a line of money is off until its assumptions are set."""

    currency: str = "EUR"
    ticket_share: Estimate | None = None
    cost_per_case: Estimate | None = None
    feedback_value: Estimate | None = None
    lead_value: Estimate | None = None

    @field_validator("currency")
    @classmethod
    def _code(cls, code: str) -> str:
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise _wrong(f"{shown(code)} is no currency", 'Write its three letters, such as "EUR" or "USD".')
        return code

    @field_validator("ticket_share", "cost_per_case", "feedback_value", "lead_value", mode="before")
    @classmethod
    def _three(cls, numbers: Any) -> Any:
        return None if numbers is None else _estimate(numbers)

    @field_validator("ticket_share")
    @classmethod
    def _part(cls, numbers: Estimate | None) -> Estimate | None:
        if numbers is not None and numbers.high > 1:
            raise _wrong("a share is between 0 and 1", "Write 30 per cent as 0.3: [0.1, 0.3, 0.5].")
        return numbers


class Config(_Section):
    """Everything that can be set. `Config()` is the defaults: no source, a database in the working folder."""

    community: Community = Community()
    database: DatabaseSettings = DatabaseSettings()
    sources: dict[SourceName, Source] = Field(default_factory=dict)
    staff: Staff = Staff()
    bots: Bots = Bots()
    recognition: Recognition = Recognition()
    support: Support = Support()
    roles: Roles = Roles()
    rights: Rights = Rights()
    schedules: dict[ScheduleName, Schedule] = Field(default_factory=dict)
    tagging: Tagging = Tagging()
    judge: Judge = Judge()
    run: Run = Run()
    value: Value = Value()

    def policy(self) -> Policy:
        """Who counts as staff or bot, and which channels are counted, for `storage.population.settle`."""
        return Policy(
            sources={
                name: Places(source.include, source.exclude, source.internal)
                for name, source in self.sources.items()
            },
            staff_emails=self.staff.emails,
            staff_roles=self.staff.roles,
            staff_members=self.staff.members,
            staff_platform_flag=self.staff.platform_flag,
            bot_members=self.bots.members,
        )


NAMED: dict[str, type[_Section]] = {"sources": Source, "schedules": Schedule}
"""Sections of which there may be many, each with a name of its own."""
