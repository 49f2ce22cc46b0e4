"""A language model and hot words for the searches, and what they add counted anew."""

from src.decoding.context_graph import ContextGraph
from src.decoding.ngram import NGram, TokenLm


PIECES = ["<blank>", "<unk>", "a", "<eos>", "b", "c"]
NGRAM = NGram.train([["a", "b", "a"], ["b", "b"], ["c", "a", "b"]], 2)
LM = TokenLm(NGRAM, PIECES, weight=0.8, bonus=0.4)
HOT = [(2, 4), (4, 4, 2)]
CONTEXT = ContextGraph(HOT, 1.5)


def added(tokens) -> float:
    """What `LM` and `CONTEXT` give a whole text, by their definitions."""
    words = [PIECES[token] for token in tokens]
    total = 0.8 * NGRAM.score_text(words) + 0.4 * len(words)
    for phrase in HOT:
        for start in range(len(tokens)):
            if tuple(tokens[start : start + len(phrase)]) == phrase:
                total += 1.5 * len(phrase)
    return total
