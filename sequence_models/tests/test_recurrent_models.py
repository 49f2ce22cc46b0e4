"""The language model and the classifier."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from src.models.recurrent import CELLS
from src.models.recurrent_classifier import RecurrentClassifier
from src.models.recurrent_lm import RecurrentLM
from src.utils.contracts import ContractError
from src.utils.errors import InputError


CLOSE = {"rtol": 1e-10, "atol": 1e-10}
EVERY = sorted(CELLS)


def language_model(cell="lstm", **options):
    torch.manual_seed(0)
    sizes = {"embedding": 6, "hidden": 6} | options
    return RecurrentLM(11, cell, **sizes).double().eval()


@pytest.mark.spec("SEQ-042", "new_memory is what None means")
@pytest.mark.parametrize("cell", EVERY)
def test_memory_goes_in_and_comes_out(cell):
    model = language_model(cell)
    tokens = torch.randint(11, (3, 9))

    whole, end = model(tokens)
    first, memory = model(tokens[:, :4], model.new_memory(3, 9))
    second, memory = model(tokens[:, 4:], memory)

    torch.testing.assert_close(torch.cat([first, second], 1), whole, **CLOSE)
    torch.testing.assert_close(memory, end, **CLOSE)


@pytest.mark.spec("SEQ-042", "reorder_memory takes its rows in any order")
@pytest.mark.parametrize("cell", EVERY)
def test_reordered_memory_is_that_of_reordered_rows(cell):
    model = language_model(cell)
    tokens, rows = torch.randint(11, (3, 5)), torch.tensor([2, 0, 0, 1])
    _, memory = model(tokens)

    _, expected = model(tokens[rows])

    torch.testing.assert_close(model.reorder_memory(memory, rows), expected, **CLOSE)


@pytest.mark.spec("SEQ-042", "Tied, the head's matrix is the embedding's")
def test_tied_weights():
    tied, free = language_model(tie=True), language_model()

    assert tied.head.weight is tied.embedding.weight
    count = sum(p.numel() for p in free.parameters())
    assert sum(p.numel() for p in tied.parameters()) == count - 11 * 6
    with pytest.raises(InputError, match="embedding = 5 must be equal to hidden = 6"):
        language_model(tie=True, embedding=5)


@pytest.mark.spec("SEQ-041", "Documents packed into one row are read as if separate")
@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "min_gru"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_packed_documents_equal_separate(cell, data):
    model = language_model(cell)
    batch, time = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 8))
    new = st.lists(st.booleans(), min_size=time, max_size=time)
    document = torch.tensor([data.draw(new) for _ in range(batch)]).cumsum(1)
    tokens = torch.randint(11, (batch, time))
    _, memory = model(torch.randint(11, (batch, 2)))

    logits, end = model(tokens, memory, document=document)

    for row in range(batch):
        state = tuple(part[row : row + 1] for part in memory)
        _, counts = document[row].unique_consecutive(return_counts=True)
        pieces = []
        for piece in tokens[row : row + 1].split(counts.tolist(), 1):
            one, last = model(piece, state)
            pieces.append(one)
            state = None
        torch.testing.assert_close(logits[row], torch.cat(pieces, 1)[0], **CLOSE)
        ends = tuple(part[row : row + 1] for part in end)
        torch.testing.assert_close(ends, last, **CLOSE)


def test_gradients_do_not_cross_documents():
    model = language_model()
    document = torch.tensor([[0, 0, 0, 1, 1], [0, 1, 1, 1, 2]])
    x = model.embedding(torch.randint(11, (2, 5))).detach().requires_grad_()
    model.embedding.forward = lambda tokens: x
    logits, _ = model(torch.zeros(2, 5, dtype=torch.int64), document=document)

    (grad,) = torch.autograd.grad(logits[0, 3].sum() + logits[1, 3].sum(), x)

    touched = (grad != 0).any(2)
    assert touched.tolist() == [[0, 0, 0, 1, 0], [0, 1, 1, 1, 0]]


@pytest.mark.parametrize("cell", EVERY)
def test_learns_to_repeat(cell):
    torch.manual_seed(0)
    model = RecurrentLM(5, cell, 16, 24, 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    tokens = torch.arange(20)[None] % 5 + torch.zeros(4, 1, dtype=torch.int64)
    tokens = (tokens + torch.arange(4)[:, None]) % 5
    for _ in range(40):
        logits, _ = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert loss < 0.1


@pytest.mark.parametrize("locked", [False, True])
def test_dropout_falls_in_training_only(locked):
    model = language_model(dropout=0.5, locked_dropout=locked)
    tokens = torch.randint(11, (3, 9))

    assert torch.equal(model(tokens)[0], model(tokens)[0])
    model.train()
    assert not torch.equal(model(tokens)[0], model(tokens)[0])


@pytest.mark.spec("SEQ-043", "mean of the last layer's outputs at real tokens, or")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_classifier_pools_real_tokens(cell, bidirectional):
    torch.manual_seed(0)
    tokens = torch.randint(11, (3, 7))
    mask = torch.arange(7) < torch.tensor([[7], [3], [1]])
    for pool in ("mean", "last"):
        options = {"pool": pool, "bidirectional": bidirectional, "layers": 2}
        model = RecurrentClassifier(11, 4, cell, 5, 6, **options).double().eval()
        logits = model(tokens, mask)
        for row, length in enumerate([7, 3, 1]):
            y, _ = model.recurrent(model.embedding(tokens[row : row + 1, :length]))
            ends = torch.cat([y[:, -1, :6], y[:, 0, 6:]], 1)
            pooled = y.mean(1) if pool == "mean" else ends
            torch.testing.assert_close(logits[row], model.head(pooled)[0], **CLOSE)


@pytest.mark.spec("SEQ-043", "A row without a real token is refused by its number")
def test_classifier_refuses():
    model = RecurrentClassifier(11, 4)
    tokens, mask = torch.zeros(3, 5, dtype=torch.int64), torch.ones(3, 5).bool()
    mask[1] = False
    with pytest.raises(ValueError, match="row 1 of the batch has no real token"):
        model(tokens, mask)
    with pytest.raises(ContractError, match="got a wrong `pad_mask`"):
        model(tokens, mask[:, :4])
    with pytest.raises(InputError, match="pool = 'max': must be one of mean, last"):
        RecurrentClassifier(11, 4, pool="max")
