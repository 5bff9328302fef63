"""What can be measured from outside, in Prometheus' words. No member, channel or message ever is a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from connectors.records import Page

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_KINDS = ("messages", "deletions", "channels", "members", "joins", "leaves", "gone_channels")


class Metrics:
    """The figures of one run, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter(
            "spaces_events", "Records that came in live.", ["source", "kind"], registry=self._registry
        )
        self._lag = Histogram(
            "spaces_event_lag_seconds", "From the receiving of an event to its durable row.", ["source"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._answers = Histogram(
            "spaces_answer_seconds", "From a person's command to its answer.", ["source", "command"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._backfill = Gauge(
            "spaces_backfill_fraction", "How much of the running catch-up is read; 1 when none runs.",
            ["source"], registry=self._registry,
        )  # fmt: skip
        self._posts = Counter(
            "spaces_posts", "Posts by what became of them.", ["source", "outcome"], registry=self._registry
        )
        self._digests = Counter(
            "spaces_digests", "Periods of a schedule by what became of them.", ["schedule", "outcome"],
            registry=self._registry,
        )  # fmt: skip
        self._overdue = Gauge(
            "spaces_digest_overdue_seconds", "Since when a digest should have been posted; 0 when none should.",
            ["schedule"], registry=self._registry,
        )  # fmt: skip
        self._errors = Counter(
            "spaces_errors", "Failures by kind.", ["source", "kind"], registry=self._registry
        )
        self._up = Gauge(
            "spaces_connector_up", "1 while a source is connected.", ["source"], registry=self._registry
        )

    def arrived(self, source: str, page: Page, lag: float | None) -> None:
        """A live page became rows, `lag` seconds after its event was received; None: it was no event."""
        for kind in _KINDS:
            if count := len(getattr(page, kind)):
                self._events.labels(source, kind).inc(count)
        if lag is not None:
            self._lag.labels(source).observe(lag)

    def answered(self, source: str, command: str, seconds: float) -> None:
        """A person's command was answered, so many seconds after it arrived."""
        self._answers.labels(source, command).observe(seconds)

    def catching_up(self, source: str, fraction: float | None) -> None:
        """How far a catch-up is; None: none runs."""
        self._backfill.labels(source).set(1 if fraction is None else fraction)

    def posted(self, source: str, outcome: str) -> None:
        """A post came to this outcome."""
        self._posts.labels(source, outcome).inc()

    def digest(self, schedule: str, outcome: str) -> None:
        """A period of a schedule was decided: "posted" (it is in the outbox) or "skipped"."""
        self._digests.labels(schedule, outcome).inc()

    def overdue(self, schedule: str, seconds: float) -> None:
        """Since when a digest of a schedule should have been posted."""
        self._overdue.labels(schedule).set(seconds)

    def error(self, source: str, kind: str) -> None:
        """Something failed; `kind` is the kind of failure, such as "unavailable"."""
        self._errors.labels(source, kind).inc()

    def up(self, source: str, connected: bool) -> None:
        """Whether a source is connected."""
        self._up.labels(source).set(connected)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
