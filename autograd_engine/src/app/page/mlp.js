/* A perceptron's forward and backward pass, for pages without a server. */

/** {logits, inputs}: what each layer was given. `layers` are {weight, bias} unpacked. */
export function forward(layers, x) {
  const inputs = [];
  let now = x;
  layers.forEach(({ weight, bias }, at) => {
    inputs.push(now);
    const [rows, columns] = weight.shape;
    now = Float64Array.from({ length: rows }, (_, i) => {
      let sum = bias.values[i];
      for (let j = 0; j < columns; j++) sum += weight.values[i * columns + j] * now[j];
      return at < layers.length - 1 ? Math.max(0, sum) : sum;
    });
  });
  return { logits: now, inputs };
}

/** d logits[target] / d x, backwards through the same layers. */
export function gradient(layers, { logits, inputs }, target) {
  let d = Float64Array.from(logits, (_, i) => (i === target ? 1 : 0));
  for (let at = layers.length - 1; at >= 0; at--) {
    const { weight } = layers[at], [rows, columns] = weight.shape;
    const below = new Float64Array(columns);
    for (let i = 0; i < rows; i++)
      if (d[i]) for (let j = 0; j < columns; j++) below[j] += d[i] * weight.values[i * columns + j];
    d = at ? below.map((value, j) => (inputs[at][j] > 0 ? value : 0)) : below;
  }
  return d;
}

export function softmax(logits) {
  const most = Math.max(...logits);
  const parts = Array.from(logits, (value) => Math.exp(value - most));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((value) => value / sum);
}
