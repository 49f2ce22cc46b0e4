"""The local rule of each operation in words of one line, for tooltips and the stepper.

A rule is the derivative of the result `y` by each input `a`, `b`; `k` is a constant.
"""

RULES = {
    "+": ("y = a + b", ("1", "1")),
    "-": ("y = a − b", ("1", "−1")),
    "*": ("y = a · b", ("b", "a")),
    "/": ("y = a / b", ("1/b", "−a/b²")),
    "**": ("y = a^b", ("b·a^(b−1)", "y·ln a")),
    "neg": ("y = −a", ("−1",)),
    "exp": ("y = e^a", ("y, the result itself",)),
    "log": ("y = ln a", ("1/a",)),
    "tanh": ("y = tanh a", ("1 − y²",)),
    "sigmoid": ("y = 1/(1 + e^−a)", ("y·(1 − y)",)),
    "relu": ("y = max(a, 0)", ("1 if a > 0 else 0",)),
    "softplus": ("y = ln(1 + e^a)", ("sigmoid(a)",)),
    "+ k": ("y = a + k", ("1",)),
    "- k": ("y = a − k", ("1",)),
    "* k": ("y = a · k", ("k",)),
    "/ k": ("y = a / k", ("1/k",)),
    "** k": ("y = a^k", ("k·a^(k−1)",)),
    "k -": ("y = k − a", ("−1",)),
    "k /": ("y = k / a", ("−k/a²",)),
    "k **": ("y = k^a", ("y·ln k",)),
}
"""Of Scalars: the operation with `k` for its constant -> formula, derivatives."""

TENSOR_RULES = {
    "add": "to each input: the gradient as it is, summed over what was broadcast",
    "sub": "to the first input the gradient, to the second its negative",
    "mul": "to each input: the gradient times the other input",
    "div": "to a: gradient / b; to b: −gradient · a / b²",
    "neg": "the negative gradient",
    "exp": "the gradient times the result",
    "log": "the gradient divided by the input",
    "tanh": "the gradient times 1 − result²",
    "sigmoid": "the gradient times result · (1 − result)",
    "softplus": "the gradient times sigmoid(input)",
    "relu": "the gradient where the input was positive, 0 elsewhere",
    "matmul": "to A: gradient @ Bᵀ; to B: Aᵀ @ gradient",
    "linear": "to x: gradient @ W; to W: gradientᵀ @ x; to b: the sum over the batch",
    "sum": "the gradient, repeated over the axes that were summed",
    "mean": "the gradient divided by the count, repeated over the axes",
    "pow": "the gradient times k · input^(k−1)",
    "power": "the gradient times k · input^(k−1)",
    "softmax": "result · (gradient − Σ gradient · result)",
    "cross_entropy": "to the logits: (softmax − one-hot target) · gradient",
    "view": "the gradient under the shape of the input",
    "reshape": "the gradient under the shape of the input",
    "permute": "the gradient with its axes in the old order",
    "select": "the gradient at the places that were taken, 0 elsewhere",
    "expand": "the gradient summed over the copies",
}

FAMILIES = {
    "sum": "+ - neg add sub addmm",
    "product": "* / mul div matmul dot linear conv einsum inv bmm",
    "nonlinear": "** exp log tanh sigmoid relu softplus gelu pow power softmax sqrt max"
    " log_softmax layer_norm",
    "reduction": "sum mean cross_entropy logsumexp mse_loss",
}
_FAMILY = {op: name for name, ops in FAMILIES.items() for op in ops.split()}


def family(op: str) -> str:
    """The colour group of an operation; what is in none moves elements about."""
    return _FAMILY.get(op, _FAMILY.get(op.replace("_", ""), "movement"))


def scalar_rule(op: str) -> tuple[str, tuple[str, ...]]:
    """Formula and derivatives of a Scalar's `op`: `*`, `* 2`, `1 /`, `dot`."""
    if op in RULES:
        return RULES[op]
    first, _, second = op.partition(" ")
    sign, constant = (first, second) if f"{first} k" in RULES else (second, first)
    key = f"{sign} k" if sign == first else f"k {sign}"
    if second and key in RULES:
        formula, derivatives = RULES[key]
        return (
            formula.replace("k", constant),
            tuple(d.replace("k", constant) for d in derivatives),
        )
    if op == "dot":
        return "y = w·x + b", ()
    return f"y = {op}(a)", ()


def tensor_rule(op: str) -> str:
    """What the backward of an operation on tensors hands to its inputs."""
    return TENSOR_RULES.get(op.lower(), f"the rule of {op} in its `backward`")
