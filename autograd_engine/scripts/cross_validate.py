"""Test every row of a table: see `python scripts/cross_validate.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Option

from src.utils.cli import run


def logistic_regression():
    """That of scikit-learn as (train, test) -> classes; None if not installed."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    model = LogisticRegression(max_iter=1000)
    return lambda a, b: model.fit(a.features, a.labels).predict(b.features)


def command(
    overrides: Annotated[list[str] | None, Argument(metavar="KEY=VALUE")] = None,
    config: Annotated[Path, Option(help="A YAML file whose data is a table")] = Path(
        "configs/breast_cancer.yaml"
    ),
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Train once per fold, test on it, pool: accuracy with its 95 % interval.

    Example: scripts/cross_validate.py --config configs/breast_cancer.yaml
    """
    from src.training.cross_validate import cross_validate
    from src.training.task import Config
    from src.utils.config import load_config
    from src.utils.logging import start_logging, table
    from src.utils.run_dir import to_json

    start_logging(quiet=True)
    reference = logistic_regression()
    settings = load_config(Config, config, overrides or ())
    done = cross_validate(settings, reference)
    if json:
        return print(to_json(done))
    names = {"fold": "fold", "rows": "rows", "right": settings.model.name}
    names |= {"reference": "scikit-learn"} if reference else {}
    print(
        table([tuple(r[n] for n in names) for r in done["folds"]], (*names.values(),))
    )
    for key, name in (("model", names["right"]), ("reference", "scikit-learn")):
        if key not in done:
            print("scikit-learn is not installed: no comparison")
            continue
        pooled, (low, high) = done[key], done[key]["interval_95"]
        share = f"{pooled['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%})"
        print(f"{name}: {pooled['right']} of {pooled['rows']} right, {share}")


if __name__ == "__main__":
    run(command)
