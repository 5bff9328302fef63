"""The six spaces: one file a letter, each with its labels and its metrics; the catalogue is their sum."""

from bot.spaces import acquisition, contribution, engagement, product, success, support

_SPACES = (support, product, acquisition, contribution, engagement, success)

LABELS = {label.name: label for space in _SPACES for label in space.LABELS}
