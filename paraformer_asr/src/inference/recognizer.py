"""A trained model that turns sound of any length, rate and loudness into a text."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import torch
from jaxtyping import Float
from torch import Tensor

from ..audio.read import Audio, stream_audio
from ..audio.resample import resample
from ..decoding.context_graph import ContextGraph
from ..decoding.ngram import NGram, TokenLm, words_of
from ..decoding.streaming import Stream
from ..models.encoder import Encoded
from ..tokenizers import SPECIALS
from ..training.load import Loaded, load_model
from ..utils.contracts import contract
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.logging import log
from .inspection import Inspection, inspect_features
from .long_audio import LongAudio, checked, notes_of, one_block, scaled_down
from .search import ALONE, Heard, Helps, choose_method, methods_of, search_encoded
from .segmenter import Piece, has_sound
from .transcript import Segment, Transcript


HOT = 2.0
"""Nats that each token of a hot word earns."""
STEP_S = 0.25
"""Of sound that a stream hears at a time."""


class Recognizer:
    """`Recognizer.load(checkpoint).transcribe(waveform, rate)`."""

    def __init__(self, loaded: Loaded, device: torch.device | str = "cpu"):
        self.loaded = loaded
        self.device = torch.device(device)
        self.sample_rate: int = loaded.front_end.config.sample_rate
        self.methods = methods_of(loaded.config)
        self._warned: set[str] = set()

    @classmethod
    def load(cls, checkpoint: Path | str, device: str = "cpu") -> "Recognizer":
        """Raises InputError for a checkpoint or a device that is none."""
        chosen = pick_device(device)
        return cls(load_model(checkpoint, chosen), chosen)

    @contract
    def transcribe(
        self,
        waveform: Float[Tensor, " samples"],
        rate: int,
        *,
        method: str = "auto",
        hotwords: Sequence[str] = (),
        lm: Path | str | NGram | None = None,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The text of a waveform in [-1, 1] of `rate` samples a second.

        Heard in pieces of at most 20 s, cut at pauses; as a whole where there is none.
        Another rate is resampled with a warning. Raises InputError for samples that are
        no numbers, for a method that this model does not have, and for hot words and
        language models of other tokens than its own.
        """
        helps = self.helps(hotwords, lm)
        return self.transcribe_blocks(
            one_block(waveform, rate), method, helps, on_segment
        )

    def transcribe_file(
        self,
        source: Path | str | bytes | BinaryIO,
        *,
        method: str = "auto",
        hotwords: Sequence[str] = (),
        lm: Path | str | NGram | None = None,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The text of a file of any length, in bounded memory; raises as `transcribe`.

        And InputError for what is no audio.
        """
        helps = self.helps(hotwords, lm)
        return self.transcribe_blocks(stream_audio(source), method, helps, on_segment)

    @contract
    def inspect(self, waveform: Float[Tensor, " samples"], rate: int) -> Inspection:
        """Everything on the way to the text of an utterance, its pauses included."""
        waveform = checked(waveform)
        features = self.features(waveform, rate)
        if not has_sound(waveform, rate):
            features = features[:0]
        return inspect_features(self.loaded, features, self.device)

    def helps(
        self, hotwords: Sequence[str] = (), lm: Path | str | NGram | None = None
    ) -> Helps:
        """Hot words as ids, a language model of the tokens; raises InputError."""
        tokenizer, phrases = self.loaded.tokenizer, []
        for word in hotwords:
            try:
                phrases.append(tokenizer.encode(word))
            except InputError as error:
                raise InputError(f"--hotwords: {error}") from None
        graph = ContextGraph(phrases, HOT) if phrases else None
        return Helps(_token_lm(lm, tokenizer.pieces) if lm else None, graph)

    @property
    def ctc_pieces(self) -> tuple[str, ...]:
        """The tokens of the CTC head; none where it was not trained."""
        return tuple(self.loaded.tokenizer.pieces) if "ctc" in self.methods else ()

    def transcribe_blocks(
        self,
        blocks: Iterable[Audio],
        method: str = "auto",
        helps: Helps = ALONE,
        on_segment: Callable[[Segment], None] | None = None,
        on_partial: Callable[[float, str], None] | None = None,
    ) -> Transcript:
        """The text of blocks of one rate that follow each other; raises as above.

        `on_segment` is called with each segment as soon as it is known, `on_partial`
        with seconds and the text of the segment so far, as a stream would have it: only
        for models that can stream, of which others raise InputError.
        """
        method = choose_method(method, self.methods, helps != ALONE)
        audio, segments, shown_s = LongAudio(blocks), [], 0.0
        started = time.perf_counter()
        for piece in audio.pieces():
            if on_partial:
                began = time.perf_counter()
                self._stream(piece, audio.rate, on_partial)
                shown_s += time.perf_counter() - began
            encoded = self.encode(self.features(piece.waveform, audio.rate))
            segment = self.decode(piece, audio.rate, encoded, method, helps)
            if segment.text:
                segments.append(segment)
                if on_segment:
                    on_segment(segment)
        spent = time.perf_counter() - started - audio.reading_s - shown_s
        notes = notes_of(audio, self.sample_rate)
        for note in set(notes) - self._warned:
            self._warned.add(note)
            log.warning(f"warning: the audio {_was(note)}")
        text = " ".join(segment.text for segment in segments)
        return Transcript(text, tuple(segments), audio.seconds, method, spent, notes)

    @contract
    @torch.no_grad()
    def encode(self, features: Float[Tensor, "frames mels"]) -> Encoded | None:
        """What the encoder hears of one utterance; None where it has not one frame."""
        if not len(features):
            return None
        lengths = torch.tensor([len(features)], device=self.device)
        return self.loaded.model.encoder(features[None].to(self.device), lengths)

    def decode(
        self,
        piece: Piece,
        rate: int,
        encoded: Encoded | None,
        method: str,
        helps: Helps = ALONE,
        width: int = 0,
    ) -> Segment:
        """What a piece says, of what the encoder heard; `width` as `search_encoded`."""
        heard = Heard([], ())
        if encoded is not None:
            (heard,) = search_encoded(self.loaded, encoded, method, helps, width)
        start, end = piece.start / rate, (piece.start + len(piece.waveform)) / rate
        tokens = tuple(
            token._replace(
                start_s=min(start + token.start_s, end),
                end_s=min(start + token.end_s, end),
            )
            for token in heard.times
        )
        if tokens:
            start, end = tokens[0].start_s, tokens[-1].end_s
        sure = [token.confidence for token in tokens]
        mean = sum(sure) / len(sure) if sure else float("nan")
        text = self.loaded.tokenizer.decode(heard.tokens)
        return Segment(start, end, text, tokens, mean)

    def _stream(
        self, piece: Piece, rate: int, on_partial: Callable[[float, str], None]
    ) -> None:
        """Let the piece come in steps, and tell each text that is another."""
        stream = self.new_stream()
        heard = resample(scaled_down(piece.waveform), rate, self.sample_rate)
        text = ""
        for number, part in enumerate(heard.split(int(STEP_S * self.sample_rate)), 1):
            partial = stream.push(part)
            if partial.text != text:
                text = partial.text
                on_partial(piece.start / rate + number * STEP_S, text)

    def new_stream(self) -> Stream:
        """At `sample_rate`; raises InputError for a model that cannot stream."""
        loaded = self.loaded
        return Stream(loaded.model, loaded.front_end, loaded.tokenizer)

    @contract
    def features(
        self, waveform: Float[Tensor, " samples"], rate: int
    ) -> Float[Tensor, "frames mels"]:
        """Those of a waveform at any rate, as the model hears it."""
        heard = resample(scaled_down(waveform), rate, self.sample_rate)
        return self.loaded.front_end(heard)


def _token_lm(lm: Path | str | NGram, pieces: Sequence[str]) -> TokenLm:
    ngram = lm if isinstance(lm, NGram) else NGram.read(lm)
    own = words_of(pieces[len(SPECIALS) :])
    if not {*own} & {*ngram.words}:
        raise InputError(
            f"--lm: its words, such as {ngram.words[-1]!r}, are none of the model's "
            f"tokens, such as {own[0]!r}; learn one with python -m "
            "src.inference.train_lm"
        )
    return TokenLm(ngram, pieces)


def _was(note: str) -> str:
    return note if note.startswith("has") else f"is {note}"
