"""`Stream`: the text of a waveform in pieces is the text of the whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.audio.front_end import FeatureConfig, FrontEnd
from src.decoding.streaming import Stream
from src.utils.errors import InputError
from tests.streams import FRONT_END, NAMES, TOKENIZER, make, new_stream, offline, sound


@pytest.mark.spec("ASR-054", "for any cut of the waveform")
@pytest.mark.parametrize("encoder", ["transformer", "conformer", "sanm"])
@pytest.mark.parametrize("kind", NAMES)
@settings(max_examples=5)
@given(pieces=st.lists(st.integers(0, 1500), min_size=1, max_size=9))
def test_the_final_text_is_that_of_the_whole(kind, encoder, pieces):
    model = make(kind, encoder=encoder)
    waveform = sound(sum(pieces))
    stream = Stream(model, FRONT_END, TOKENIZER)
    for piece in waveform.split(pieces):
        stream.push(piece)
    final, whole = stream.finish(), offline(model, waveform)
    assert list(final.tokens) == whole.tokens
    assert final.text == TOKENIZER.decode(whole.tokens)
    torch.testing.assert_close(
        torch.tensor(final.confidence), torch.tensor(whole.confidence)
    )


@pytest.mark.spec("ASR-054", "for any cut of the waveform")
@pytest.mark.parametrize("kind", NAMES)
def test_these_models_do_say_something(kind):
    assert len(offline(make(kind), sound(8000)).tokens) > 2


@pytest.mark.spec("ASR-054", "never takes a fired token back")
def test_the_number_of_tokens_only_grows_and_they_come_before_the_end():
    stream = new_stream()
    partials = [stream.push(piece) for piece in sound(8000).split(400)]
    counts = [len(partial.tokens) for partial in partials]
    assert counts == sorted(counts) and len(set(counts)) > 3
    seconds = [partial.seconds for partial in partials]
    assert seconds == sorted(seconds)
    final = stream.finish()
    assert final.seconds == pytest.approx(0.98)  # 98 frames of 10 ms


@pytest.mark.spec("ASR-054", "a stream without sound has an empty text")
@pytest.mark.parametrize("kind", NAMES)
def test_silence_of_no_length_is_an_empty_text(kind):
    stream = new_stream(kind=kind)
    assert stream.finish().text == ""
    with pytest.raises(ValueError, match="has ended"):
        stream.push(torch.zeros(10))
    with pytest.raises(ValueError, match="has ended"):
        stream.finish()


@pytest.mark.spec("ASR-055", "refused in one sentence")
@pytest.mark.parametrize(
    ("options", "cmvn", "words"),
    [
        ({"causal": False, "chunk": 0}, "none", "model.causal=true"),
        ({"name": "transformer"}, "none", "model.name paraformer or ctc"),
        ({}, "utterance", "features.cmvn=global or none"),
    ],
)
def test_a_model_that_cannot_stream_is_refused(options, cmvn, words):
    front_end = FrontEnd(FeatureConfig(n_mels=10, cmvn=cmvn))
    with pytest.raises(InputError, match=words):
        Stream(make(**options), front_end, TOKENIZER)
