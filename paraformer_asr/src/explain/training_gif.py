"""How the predictor learned to count: one recording, heard after each epoch."""

from pathlib import Path
from tempfile import TemporaryDirectory

from ..training.load import load_model
from ..training.state import kept_epochs
from ..utils.cif_picture import draw_fired
from ..utils.errors import InputError
from ..utils.plots import new_figure, write_bytes
from .explain import fired_of, hear, recognise


def draw_training(run: Path, audio: Path, out: Path, seconds: float = 0.7) -> int:
    """A GIF with a frame of `seconds` for each epoch that train.keep has kept.

    Gives the number of frames; raises InputError where there are not two.
    """
    kept = epochs_of(run)
    with TemporaryDirectory() as folder:
        draft = Path(folder) / "training.gif"
        _film(kept, audio, draft, seconds)
        write_bytes(out, draft.read_bytes())
    return len(kept)


def epochs_of(run: Path) -> list[Path]:
    """Checkpoints of the epochs that were kept; InputError for less than two."""
    kept = kept_epochs(run)
    if len(kept) < 2:
        raise InputError(
            f"--film: {run} has kept {len(kept)} epochs, and a film needs two; train "
            "with train.keep=1000, and train.epochs of a few"
        )
    return kept


def _film(kept: list[Path], audio: Path, out: Path, seconds: float) -> None:
    """All epochs on one figure, drawn anew for each."""
    from matplotlib.animation import PillowWriter

    figure, writer = new_figure(7, 5), PillowWriter(fps=1 / seconds)
    with writer.saving(figure, out, 90):
        for checkpoint in kept:
            loaded = load_model(checkpoint)
            features = hear(loaded, audio, quiet=True)
            said = recognise(loaded.model, features)
            tokens = said.logits[0, : int(said.lengths[0])].argmax(-1)
            heard = loaded.tokenizer.decode(tokens.tolist())
            title = f"{checkpoint.stem.replace('-', ' ')}: {heard}"
            figure.clear()
            place = figure.add_gridspec(1, 1)[0]
            draw_fired(figure, place, fired_of(loaded, features, said, title))
            writer.grab_frame()
