"""BPE as one writes it first (minBPE's idea): all chunks, all pairs, each time."""

import regex


GPT4 = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def plain_train(text: str, merges: int) -> list[tuple[int, int]]:
    """The pairs that are joined; the k-th makes the id 256 + k."""
    chunks = [list(chunk.encode()) for chunk in GPT4.findall(text)]
    learned = []
    for made in range(256, 256 + merges):
        counts: dict[tuple[int, int], int] = {}
        for ids in chunks:
            for pair in zip(ids, ids[1:], strict=False):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(counts, key=counts.get)
        chunks = [plain_join(ids, best, made) for ids in chunks]
        learned.append(best)
    return learned


def plain_join(ids: list[int], pair: tuple[int, int], made: int) -> list[int]:
    out, i = [], 0
    while i < len(ids):
        if ids[i] == pair[0] and i + 1 < len(ids) and ids[i + 1] == pair[1]:
            out.append(made)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out
