"""The plain keys of a bench file: what holds for all of it, and for each entry."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bench:
    """All but base, recipes and entries."""

    parameters: int = 800_000
    tolerance: float = 0.02
    """How far from that a model may be, as a share."""
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    common: str = "modern"
    """The recipe that all models are compared under."""
    threads: int = 1
    """Of the CPU, for each run."""
    prompt: str = "\n"
    """What the samples of text go on from."""
    sample: int = 400
    """Tokens of such a sample."""
    note: str = ""
    """What a reader of the table must know about the recipes."""
    sweep_seed: int = 0
    sweep_share: float = 1.0
    """Of the tokens of a run: what a run of the sweep is trained on."""

    def __post_init__(self):
        if self.parameters < 1:
            raise ValueError(f"parameters = {self.parameters}: must be >= 1")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance = {self.tolerance}: must be in (0, 1)")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds = {self.seeds}: must be different, at least one")
        if any(not 0 <= seed < 2**32 for seed in (*self.seeds, self.sweep_seed)):
            raise ValueError(f"seeds = {self.seeds}: must be from 0 to {2**32 - 1}")
        for name in ("threads", "sample"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= 1")
        if not 0 < self.sweep_share <= 1:
            raise ValueError(f"sweep_share = {self.sweep_share}: must be in (0, 1]")


@dataclass(frozen=True, slots=True)
class Entry:
    recipes: tuple[str, ...] = ()
    """The first is that of its era."""
    label: str = ""
    """What it is called on the page; its name, if empty."""
    search: dict[str, int] = field(default_factory=dict)
    """Fields whose size is searched, with the number it is a multiple of."""
    same: str = ""
    """The entry that it would be equal to under the common recipe."""

    def __post_init__(self):
        if not self.recipes:
            raise ValueError("recipes must name at least one, that of its era first")
        for name, step in self.search.items():
            if step < 1:
                raise ValueError(f"search: {name} is a multiple of {step}; at least 1")
