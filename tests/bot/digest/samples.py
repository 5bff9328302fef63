"""A digest made by hand, with every kind of value that a renderer can meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.digest.model import AreaReadings, Change, DayCount, Digest, Reading, SourceCoverage, Thanks
from bot.spaces.model import Area, Direction, Evidence, Metric, Unit, Value
from bot.spaces.window import Period, Window

MADRID = ZoneInfo("Europe/Madrid")
WEEK = Window(date(2016, 7, 11), date(2016, 7, 18), MADRID, Period.WEEKLY)
AS_OF = datetime(2016, 7, 18, 7, 30, tzinfo=UTC)


def metric(
    name: str, area: Area, title: str, unit: Unit = Unit.COUNT, direction: Direction = Direction.UP, *, headline: bool = False
) -> Metric:  # fmt: skip
    """A metric that is only shown: its value is given by hand."""
    return Metric(
        name, area, title, unit, direction, f"What {title.lower()} means.", "CMX SPACES (2021)",
        lambda _community, _window: Value(None), headline=headline,
    )  # fmt: skip


def reading(
    of: Metric, value: Value, previous: Value | None = None, change: Change = Change.UNKNOWN
) -> Reading:
    return Reading(of, value, previous or Value(None, reason="nothing is known of this time"), change)


def message(text: str, author: str = "Ana López", hours: float = 30, url: str | None = "https://forum.example/t/1") -> Evidence:  # fmt: skip
    return Evidence("forum", "help", author, AS_OF - timedelta(hours=hours), text, url)


def sample_digest() -> Digest:
    """A week of a small community; its numbers agree with each other as far as they are shown."""
    support = (
        reading(
            metric("questions", Area.SUPPORT, "Questions", direction=Direction.NEITHER, headline=True),
            Value(50, parts={"staff": 3, "bots": 12}), Value(30, parts={"staff": 1}), Change.UP,
        ),
        reading(
            metric("answered_questions", Area.SUPPORT, "Answered questions", Unit.SHARE),
            Value(0.64, 32, 50, (0.501, 0.759), parts={"open": 4}), Value(0.52, 13, 25, (0.335, 0.7)), Change.STEADY,
        ),
        reading(
            metric("resolved_questions", Area.SUPPORT, "Resolved questions", Unit.SHARE),
            Value(0.75, 3, 4, (0.3, 0.95), too_few=True), Value(0.5, 1, 2, (0.09, 0.9), too_few=True), Change.STEADY,
        ),
        reading(
            metric("time_to_first_response", Area.SUPPORT, "Time to first response", Unit.SECONDS, Direction.DOWN),
            Value(5_460, parts={"p90": 183_600}), Value(14_400, parts={"p90": None}), Change.DOWN,
        ),
        reading(
            metric("time_to_resolution", Area.SUPPORT, "Time to resolution", Unit.SECONDS, Direction.DOWN),
            Value(432_000, lower_bound=True, parts={"p90": None}), Value(90_000), Change.STEADY,
        ),
        reading(
            metric("support_savings", Area.SUPPORT, "Support savings", Unit.MONEY),
            Value(1_260, parts={"low": 600, "base": 1_260, "high": 2_400}), Value(900), Change.STEADY,
        ),
    )  # fmt: skip
    product = (
        reading(
            metric("product_ideas", Area.PRODUCT, "Product ideas", headline=True),
            Value(9, parts={"people": 7, "staff": 2, "bots": 0}), Value(8, parts={"people": 6}), Change.STEADY,
        ),
        reading(metric("bugs", Area.PRODUCT, "Bug reports", direction=Direction.DOWN), Value(14), Value(4), Change.UP),
    )  # fmt: skip
    acquisition = (
        reading(
            metric("new_members", Area.ACQUISITION, "New members", headline=True),
            Value(None, reason="no source tells when members join"),
        ),
        reading(metric("advocates", Area.ACQUISITION, "Advocates"), Value(0), Value(0), Change.STEADY),
    )
    contribution = (
        reading(
            metric("ugc_share", Area.CONTRIBUTION, "Share of posts by members", Unit.SHARE, headline=True),
            Value(0.996, 1_992, 2_000, (0.992, 0.998)), Value(0.97, 970, 1_000, (0.958, 0.979)), Change.UP,
        ),
    )  # fmt: skip
    engagement = (
        reading(
            metric("active_members", Area.ENGAGEMENT, "Active members", headline=True),
            Value(120, parts={"staff": 4}), Value(190), Change.DOWN,
        ),
        reading(
            metric("replies_per_conversation", Area.ENGAGEMENT, "Replies per conversation", Unit.RATE),
            Value(2.375), Value(2.1), Change.STEADY,
        ),
        reading(
            metric("lost_members", Area.ENGAGEMENT, "Lost members", direction=Direction.DOWN),
            Value(3), Value(12), Change.DOWN,
        ),
    )  # fmt: skip
    success = (
        reading(metric("nps", Area.SUCCESS, "NPS", Unit.SCORE, headline=True), Value(34, denominator=58), Value(-12), Change.UP),
        reading(metric("time_to_adoption", Area.SUCCESS, "Time to adoption", Unit.DAYS, Direction.DOWN), Value(12.5), Value(12)),
    )  # fmt: skip
    areas = (support, product, acquisition, contribution, engagement, success)
    return Digest(
        community="Aurora Makers",
        purpose="People who build weather stations help each other.",
        window=WEEK,
        previous=WEEK.previous(),
        as_of=AS_OF,
        areas=tuple(AreaReadings(area, readings) for area, readings in zip(Area, areas, strict=True)),
        unanswered=(
            message("How do I calibrate the wind sensor after a firmware update?\nMine reads 0 m/s.", hours=150),
            message("¿Alguien sabe si la antena aguanta bajo cero?", "Iñigo", 52, url=None),
            message("Station *offline* since <https://status.example|this morning>, <@U0456> any idea?", "Mei Chen"),
        ),
        unanswered_total=10,
        ideas=(
            replace(message("A dark mode for the dashboard, please", "Oluwaseun"), people=6, reactions=14),
            replace(message("Export to CSV from the phone", "Bo"), people=1, reactions=1),
        ),
        thanks=(
            Thanks("Ana López", {"support_answer": 12, "contribution": 2, "message": 40}),
            Thanks("Bo", {"support_answer": 1}),
        ),
        coverage=(
            SourceCoverage("forum", "discourse", 2_115, 80, 12, datetime(2016, 7, 18, 6, 12, tzinfo=UTC)),
            SourceCoverage("team", "slack", 431, 0, 40, datetime(2016, 7, 15, 18, 3, tzinfo=UTC)),
        ),
        days=tuple(
            DayCount(WEEK.first + timedelta(days=n), messages, questions, members)
            for n, (messages, questions, members) in enumerate(
                [(388, 9, 61), (402, 11, 66), (351, 7, 58), (290, 8, 49), (310, 9, 55), (0, 0, 0), (251, 6, 40)]
            )
        ),
    )  # fmt: skip
