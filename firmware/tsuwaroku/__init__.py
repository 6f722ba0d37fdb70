"""tsuwaroku (通話録): the call recorder of a city hall's analogue extension lines."""

__version__ = "0.1.0"
