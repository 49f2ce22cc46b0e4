/* The forward pass of a small perceptron, in the page: maps and sliders answer at once. */

const ACTIVATIONS = {
  relu: (z) => (z > 0 ? z : 0),
  tanh: Math.tanh,
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
};

/**
 * The logit of each point. `parameters` are W1, b1, W2, b2, ..., each {values, shape};
 * `points` holds x and y of one point after the other.
 */
export function logits(parameters, activation, points) {
  const act = ACTIVATIONS[activation];
  let rows = points;
  for (let layer = 0; layer < parameters.length; layer += 2) {
    if (layer) rows = rows.map(act);
    rows = linear(rows, parameters[layer], parameters[layer + 1].values);
  }
  return rows;
}

function linear(rows, { values: weights, shape: [inputs, outputs] }, bias) {
  const count = rows.length / inputs, out = new Float64Array(count * outputs);
  for (let row = 0; row < count; row++)
    for (let to = 0; to < outputs; to++) {
      let sum = bias[to];
      for (let from = 0; from < inputs; from++)
        sum += rows[row * inputs + from] * weights[from * outputs + to];
      out[row * outputs + to] = sum;
    }
  return out;
}

export const chance = (logit) => 1 / (1 + Math.exp(-logit));

/** Mean log loss and the share of points on their side of logit 0. */
export function measure(found, labels) {
  let loss = 0, right = 0;
  found.forEach((z, i) => {
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - z * labels[i];
    right += z > 0 === (labels[i] === 1);
  });
  return { loss: loss / found.length, accuracy: right / found.length };
}

/** A parameter as nested lists. */
export function nested({ values, shape: [rows, columns] }) {
  if (columns === undefined) return Array.from(values);
  const row = (at) => Array.from(values.subarray(at * columns, (at + 1) * columns));
  return Array.from({ length: rows }, (_, at) => row(at));
}
