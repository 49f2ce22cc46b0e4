"""From logits to tokens, against transformers' processors and exact distributions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.generation import sampling as ours
from src.generation.sampling import GREEDY, Sampling
from src.utils.errors import InputError


theirs = pytest.importorskip(
    "transformers.generation.logits_process", reason="the reference of the filters"
)

TEMPERATURE = pytest.mark.parity("temperature", "transformers.TemperatureLogitsWarper")
TOP_K = pytest.mark.parity("top-k", "transformers.TopKLogitsWarper")
TOP_P = pytest.mark.parity("top-p", "transformers.TopPLogitsWarper")
MIN_P = pytest.mark.parity("min-p", "transformers.MinPLogitsWarper")
REPETITION = pytest.mark.parity(
    "repetition penalty", "transformers.RepetitionPenaltyLogitsProcessor"
)
NGRAMS = pytest.mark.parity(
    "no repeated n-gram", "transformers.NoRepeatNGramLogitsProcessor"
)
TOGETHER = pytest.mark.parity(
    "all filters in order", "transformers.generation.logits_process"
)


def case(mark, settings, *calls):
    return pytest.param(settings, calls, marks=mark)


CASES = [
    case(TEMPERATURE, Sampling(temperature=0.7), "TemperatureLogitsWarper(0.7)"),
    case(TOP_K, Sampling(top_k=3), "TopKLogitsWarper(3)"),
    case(TOP_K, Sampling(top_k=99), "TopKLogitsWarper(99)"),
    case(TOP_P, Sampling(top_p=0.6), "TopPLogitsWarper(0.6)"),
    case(TOP_P, Sampling(top_p=0.01), "TopPLogitsWarper(0.01)"),
    case(MIN_P, Sampling(min_p=0.2), "MinPLogitsWarper(0.2)"),
    case(MIN_P, Sampling(min_p=1.0), "MinPLogitsWarper(1.0)"),
    case(
        REPETITION,
        Sampling(repetition_penalty=1.4),
        "RepetitionPenaltyLogitsProcessor(1.4)",
    ),
    case(
        REPETITION,
        Sampling(repetition_penalty=0.5),
        "RepetitionPenaltyLogitsProcessor(0.5)",
    ),
    case(NGRAMS, Sampling(no_repeat_ngram=2), "NoRepeatNGramLogitsProcessor(2)"),
    case(NGRAMS, Sampling(no_repeat_ngram=3), "NoRepeatNGramLogitsProcessor(3)"),
    case(
        TOGETHER,
        Sampling(1.6, 5, 0.8, 0.15, 1.3, 2),
        "RepetitionPenaltyLogitsProcessor(1.3)",
        "NoRepeatNGramLogitsProcessor(2)",
        "TemperatureLogitsWarper(1.6)",
        "TopKLogitsWarper(5)",
        "TopPLogitsWarper(0.8)",
        "MinPLogitsWarper(0.15)",
    ),
]


def reference(calls: list[str], history, logits):
    for call in calls:
        logits = eval(f"theirs.{call}")(history, logits)
    return logits


@pytest.mark.spec("SEQ-085", "give the logits that transformers' processors give")
@pytest.mark.parametrize("settings, calls", CASES, ids=lambda v: str(v)[:30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_filter_is_that_of_transformers(parity, settings, calls, dtype):
    for seed in range(20):
        g = torch.Generator().manual_seed(seed)
        logits = 3 * torch.randn(4, 13, generator=g, dtype=dtype)
        history = torch.randint(0, 13, (4, 1 + seed), generator=g)
        wanted = reference(calls, history, logits)
        parity.value(ours.filtered(logits, history, settings), wanted, atol=0)


@pytest.mark.spec("SEQ-085", "give the logits that transformers' processors give")
@given(
    values=st.lists(st.integers(-3, 3), min_size=2, max_size=9),
    k=st.integers(1, 9),
    p=st.floats(0.05, 1),
)
def test_equal_logits_are_kept_or_removed_as_in_transformers(values, k, p):
    logits, history = torch.tensor([values]).float(), torch.zeros(1, 1).long()
    calls = [f"TopKLogitsWarper({k})", f"TopPLogitsWarper({p})"]
    wanted = reference(calls, history, logits)
    found = ours.keep_top_p(ours.keep_top_k(logits, k), p)
    assert torch.equal(found, wanted)


@pytest.mark.spec("SEQ-085", "give the logits that transformers' processors give")
@pytest.mark.parametrize("p", [0.5, 0.25, 1e-20])
def test_the_edge_of_top_p_is_that_of_transformers(p):
    logits, history = torch.zeros(2, 4), torch.zeros(2, 1).long()
    wanted = reference([f"TopPLogitsWarper({p})"], history, logits)
    assert torch.equal(ours.keep_top_p(logits, p), wanted)


@pytest.mark.spec("SEQ-085", "in the order in which its `generate` builds them")
def test_the_order_is_the_one_that_transformers_builds():
    transformers = pytest.importorskip("transformers", reason="the reference")
    config = transformers.GPT2Config(
        vocab_size=9, n_positions=8, n_embd=4, n_layer=1, n_head=1,
        bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)
    settings = transformers.GenerationConfig(
        do_sample=True, temperature=0.5, top_k=3, top_p=0.5, min_p=0.1,
        repetition_penalty=1.2, no_repeat_ngram_size=2,
    )  # fmt: skip
    built = model._get_logits_processor(settings, 4, device="cpu")
    names = [type(one).__name__ for one in built]
    assert names == [call.partition("(")[0] for call in CASES[-1].values[1]]


@pytest.mark.spec("SEQ-086", "drawn from exactly the distribution that is left")
@pytest.mark.parametrize(
    "settings",
    [Sampling(), Sampling(0.6), Sampling(top_k=3), Sampling(1.3, 6, 0.9, 0.1)],
    ids=str,
)
def test_draws_have_the_exact_distribution(settings):
    stats = pytest.importorskip("scipy.stats", reason="the test of the counts")
    g = torch.Generator().manual_seed(1)
    logits = 1.5 * torch.randn(1, 8, generator=g, dtype=torch.float64)
    history = torch.zeros(1, 1, dtype=torch.long)
    wanted = ours.filtered(logits, history, settings).softmax(1)[0]
    n = 20000
    drawn = ours.next_token(
        logits.expand(n, -1),
        history.expand(n, -1),
        ours.uniforms(3, 1, n)[0],
        settings,
    )
    counts = drawn.bincount(minlength=8)
    assert counts[wanted == 0].sum() == 0
    kept = wanted > 0
    found = stats.chisquare(counts[kept], n * wanted[kept] / wanted.sum())
    assert found.pvalue > 0.01


@pytest.mark.spec("SEQ-086", "A token of probability zero is never drawn")
def test_the_ends_of_the_interval_draw_tokens_that_have_a_share():
    shares = torch.tensor([[0, 0.25, 0, 0.75, 0]]).double()
    ends = torch.tensor([0.0, 0.25, 1 - 2.0**-53], dtype=torch.float64)
    drawn = [ours.draw(shares, end[None]).item() for end in ends]
    assert drawn == [1, 3, 3]


@pytest.mark.spec("SEQ-086", "temperature 0 takes the likeliest")
def test_greedy_takes_the_first_of_the_likeliest():
    logits = torch.tensor([[1.0, 5.0, 5.0], [3.0, 1.0, 2.0]])
    history = torch.zeros(2, 1, dtype=torch.long)
    u = torch.full((2,), 0.99)
    assert ours.next_token(logits, history, u, GREEDY).tolist() == [1, 0]
    assert ours.shares(logits, history, GREEDY).tolist() == [[0, 1, 0], [1, 0, 0]]
    penalty = Sampling(temperature=0, repetition_penalty=2.0)
    assert ours.next_token(logits, history, u, penalty).tolist() == [1, 2]


@pytest.mark.spec("SEQ-085", "a row in which every token would repeat stays as it is")
def test_where_everything_would_repeat_something_comes_next():
    logits = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    history = torch.tensor([[0, 1], [1, 1]])
    left = ours.forbid_repeated_ngrams(logits, history, 1)
    assert left.tolist() == [[1.0, 2.0], [1.0, -torch.inf]]
    assert ours.forbid_repeated_ngrams(logits, history, 3).equal(logits)


@pytest.mark.spec("SEQ-087", "refused with its name, its value and what is allowed")
@pytest.mark.parametrize(
    "name, value, said",
    [
        ("temperature", -1.0, "temperature is -1.0: it must be 0 (greedy) or 1e-06"),
        ("temperature", 1e-45, "temperature is 1e-45"),
        ("temperature", float("nan"), "temperature is nan"),
        ("top_k", -2, "top_k is -2: it must be 0 (all) or more"),
        ("top_p", 0.0, "top_p is 0.0: it must be above 0 and at most 1"),
        ("min_p", 1.5, "min_p is 1.5: it must be 0 (all) to 1"),
        ("repetition_penalty", 0.0, "repetition_penalty is 0.0: it must be 1e-06 to"),
        ("repetition_penalty", 1e9, "repetition_penalty is 1000000000.0"),
        ("no_repeat_ngram", -1, "no_repeat_ngram is -1: it must be 0 (off) or more"),
    ],
)
def test_a_setting_out_of_range_is_refused(name, value, said):
    with pytest.raises(InputError) as caught:
        Sampling(**{name: value})
    assert str(caught.value).startswith(said)


@pytest.mark.spec("SEQ-089", "row r draws from numbers that belong to (seed, r)")
def test_the_numbers_of_a_row_do_not_depend_on_what_else_is_asked():
    many = ours.uniforms(5, 3, 700)
    assert many[:2, :9].equal(ours.uniforms(5, 2, 9))
    assert not many[0].equal(many[1])
    assert not many[1].equal(ours.uniforms(6, 3, 700)[0])
    assert ours.uniforms(5, 0, 3).shape == (0, 3)
    assert 0 <= many.min() and many.max() < 1


def test_half_precision_is_computed_in_float32():
    logits = torch.tensor([[1.0, 2.0, 1.0078]]).bfloat16()
    shares = ours.shares(logits, torch.zeros(1, 0).long())
    assert shares.dtype == torch.float32
    assert torch.equal(shares, logits.float().softmax(1))
