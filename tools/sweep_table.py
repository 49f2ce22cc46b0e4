"""What the runs of a sweep reached, for a spreadsheet: a line a point.

What is printed is compare's table, with a column more: the seconds.
"""

import csv
import io
import json
import math
import statistics
from typing import Any

from tools.compare_text import units_in_words
from tools.comparison import Comparison, Group
from tools.run_values import value_of


HEADS = ("label", "point", "seeds", "mean", "spread", "seconds", "metric")


def as_csv(comparison: Comparison) -> str:
    """Point, seeds, mean and standard deviation, seconds a run: with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for group in comparison.groups:
        point = " ".join(f"{k}={_text(v)}" for k, v in group.settings.items())
        row = [group.label, point or "base", units_in_words(group.units)]
        row += [group.mean, group.sd, seconds(group), comparison.metric]
        writer.writerow(["" if cell != cell else cell for cell in row])
    return text.getvalue()


def seconds(group: Group) -> float:
    """The mean time of a run; NaN if none knows it, as those that were resumed."""
    took = [value_of(run, "seconds") for run in group.runs]
    known = [one for one in took if one is not None]
    return statistics.fmean(known) if known else math.nan


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)
