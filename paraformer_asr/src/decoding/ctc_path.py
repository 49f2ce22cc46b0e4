"""The likeliest path of a known text through CTC's frames (Viterbi).

It says where each token was said. In numpy: the arrays are too small for threads.
"""

from math import exp, inf

import numpy as np

from .greedy import Hypothesis


def on_best_path(
    texts: list[tuple[list[int], float]], log_probs: np.ndarray, blank: int
) -> list[Hypothesis]:
    """With the frames at which the tokens begin on each text's likeliest path."""
    paths = best_paths([tokens for tokens, _ in texts], log_probs, blank)
    found = []
    for (tokens, score), path in zip(texts, paths, strict=True):
        frames, confidence = [], [0.0] * len(tokens)
        for frame, place in enumerate(path):
            if place < 0:
                continue
            if place == len(frames):
                frames.append(frame)
            p = exp(log_probs[frame, tokens[place]])
            confidence[place] = max(confidence[place], p)
        found.append(Hypothesis(tokens, score, confidence, frames))
    return found


def best_paths(
    texts: list[list[int]], log_probs: np.ndarray, blank: int = 0
) -> list[list[int]]:
    """For each text: at each frame the place of its token, -1 at blanks (Viterbi).

    `log_probs` is (time, vocab); each text must be possible.
    """
    longest = max(map(len, texts), default=0)
    states = np.full((len(texts), 2 * longest + 1), blank)
    for row, tokens in enumerate(texts):
        states[row, 1 : 2 * len(tokens) : 2] = tokens
    may_skip = np.zeros(states.shape, bool)  # from token to token over the blank
    may_skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    score = np.full((len(texts), states.shape[1] + 2), -inf)  # two more in front
    score[:, 2] = 0.0
    steps = np.zeros((len(log_probs), *states.shape), np.int8)
    for frame, emit in enumerate(log_probs[:, states]):
        skip = np.where(may_skip, score[:, :-2], -inf)
        options = np.stack((score[:, 2:], score[:, 1:-1], skip))
        steps[frame] = options.argmax(0)
        score[:, 2:] = options.max(0) + emit
    rows = np.arange(len(texts))
    last = np.array([2 * len(tokens) for tokens in texts], int)
    last -= score[rows, last + 1] > score[rows, last + 2]
    paths = np.zeros((len(log_probs), len(texts)), int)
    for frame in reversed(range(len(log_probs))):
        paths[frame] = np.where(last % 2, last // 2, -1)
        last = last - steps[frame, rows, last]
    return paths.T.tolist()
