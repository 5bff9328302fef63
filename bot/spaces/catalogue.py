"""The catalogue: the sum of the six spaces' labels and metrics, by name."""

from bot.spaces import acquisition, contribution, engagement, product, success, support
from bot.spaces.model import Label, Metric

_SPACES = (support, product, acquisition, contribution, engagement, success)

LABELS: dict[str, Label] = {label.name: label for space in _SPACES for label in space.LABELS}
METRICS: dict[str, Metric] = {metric.name: metric for space in _SPACES for metric in space.METRICS}
