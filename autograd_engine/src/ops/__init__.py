"""The operations of `Tensor`, by theme; each is written from those above it.

How an operation is written
    rules            elementwise: numpy's formula and one rule for each input
    places, rows     where an operation reads, writes or adds, and the sums of that
    fused            hand-derived ones: pieces that stay in the cache, checks
    inplace          the same operation written to its first argument
    methods          all of them as methods and operators of `Tensor`
    aliases, beside_arrays  numpy's words (axis) and its functions of a tensor
Element by element
    elementwise, power, rounding, calculus, special, gamma, comparison, choices (where)
Over axes
    reductions (sum, mean), extrema (max), statistics (var, norm), cumulative,
    sorting, quantile, counting
Shapes, parts and places
    shape, joining, splitting, repeating, padding, triangles are views or copies;
    slicing (ranges), indexing (x[...]), selection (slices by number, masks),
    scatter and gather, scatter_reduce
New tensors
    creation, randomness, casts (dtype, device); queries asks, and changes nothing
Products
    matmul, einsum, linalg, products (cross), linear
Neural networks
    activations with activation_rules, gelu (and relu), softmax, dropout, embedding;
    norms, group_norms with group_norm_functions;
    conv with conv_functions, pooling with pooling_functions, unfold, interpolate, on
    windows, geometry and memory_order;
    recurrent with lstm and gru, attention;
    losses, cross_entropy, probability_losses, margin_losses, distances
"""
