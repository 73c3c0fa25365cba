// p(x|z) and the densities of q(z) and p(z), from the numbers of core/decoder_export.py and core/browser_bundle.py.

const LEVELS = 256;
const LOG_2PI = Math.log(2 * Math.PI);

const sigmoid = (value) => 1 / (1 + Math.exp(-value));

// weight (outputs, inputs) row by row, times x, plus bias; added up in double precision.
function dense(weight, bias, x, outputs, inputs) {
  const result = new Float64Array(outputs);
  for (let row = 0, at = 0; row < outputs; row++) {
    let sum = bias[row];
    for (let column = 0; column < inputs; column++) sum += weight[at++] * x[column];
    result[row] = sum;
  }
  return result;
}

// A function of a code and of whether a draw is wanted, to the pixels in [0, 1]. null where there is no decoder.
function makeDecoder({ meta, arrays }) {
  const layout = meta.decoder;
  if (!layout) return null;
  const { widths, likelihood } = layout;
  const pixels = layout.image_shape.reduce((product, size) => product * size, 1);
  const finish = likelihood === "bernoulli" ? bernoulli : logistic;
  return (z, drawn) => {
    let hidden = z;
    for (let k = 0; k + 1 < widths.length; k++) {
      const width = widths[k + 1];
      const pair = dense(arrays[`weight${k}`], arrays[`bias${k}`], hidden, 2 * width, widths[k]);
      hidden = new Float64Array(width);
      for (let j = 0; j < width; j++) hidden[j] = pair[j] * sigmoid(pair[width + j]);
    }
    const weight = arrays.head_weight;
    const output = dense(weight, arrays.head_bias, hidden, arrays.head_bias.length, hidden.length);
    return finish(output, pixels, drawn ? arrays.noise : null, layout.log_scale);
  };
}

function bernoulli(logits, pixels, noise) {
  const values = new Float32Array(pixels);
  for (let j = 0; j < pixels; j++) {
    const mean = sigmoid(logits[j]);
    values[j] = noise ? Number(noise[j] < mean) : mean;
  }
  return values;
}

function logistic(output, pixels, noise, [low, high]) {
  const values = new Float32Array(pixels);
  const half = (high - low) / 2;
  for (let j = 0; j < pixels; j++) {
    const location = sigmoid(output[j]);
    const logScale = (low + high) / 2 + half * Math.tanh((output[pixels + j] - (low + high) / 2) / half);
    const scale = Math.exp(logScale);
    if (noise) {
      const level = Math.floor(LEVELS * (location + scale * Math.log(noise[j] / (1 - noise[j]))));
      values[j] = (Math.min(Math.max(level, 0), LEVELS - 1) + 0.5) / LEVELS;
    } else values[j] = logisticMean(location, scale);
  }
  return values;
}

// (1/2 + sum over k of sigmoid((m - k/256) / s)) / 256; the exponentials of neighbours differ by one factor.
function logisticMean(location, scale) {
  const factor = Math.exp(1 / (LEVELS * scale));
  let exponential = Math.exp(-location / scale);
  let total = 0.5;
  for (let level = 1; level < LEVELS; level++) {
    exponential *= factor;
    total += 1 / (1 + exponential);
  }
  return total / LEVELS;
}

// log sum_k w_k N(z; mean_k, exp(log_var_k)) as a function of z, in nats; equal weights where there are none. With a
// reach also "others", the same without the component that z is a draw of (core/prepared.py); else that is the same.
function makeMixture(mean, logVar, logWeight, dim, reach = -1) {
  const count = mean.length / dim;
  const half = Float64Array.from(logVar, (value) => 0.5 * Math.exp(-value));
  const constant = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    let sum = dim * LOG_2PI;
    for (let j = 0; j < dim; j++) sum += logVar[k * dim + j];
    constant[k] = (logWeight ? logWeight[k] : -Math.log(count)) - 0.5 * sum;
  }
  const terms = new Float64Array(count);
  return (z) => {
    let nearest = 0;
    for (let k = 0, at = 0; k < count; k++) {
      let sum = constant[k];
      for (let j = 0; j < dim; j++, at++) {
        const off = z[j] - mean[at];
        sum -= half[at] * off * off;
      }
      terms[k] = sum;
      if (sum > terms[nearest]) nearest = k;
    }
    const largest = terms[nearest];
    const total = sumOfExp(terms, largest);
    const log = largest + Math.log(total);
    const own = count > 1 && total < 2 && 2 * (constant[nearest] - largest) <= reach;
    if (!own) return { log, others: log, own };
    terms[nearest] = -Infinity;
    let second = -Infinity;
    for (let k = 0; k < count; k++) if (terms[k] > second) second = terms[k];
    return { log, others: second + Math.log(sumOfExp(terms, second)) - Math.log1p(-1 / count), own };
  };
}

function sumOfExp(terms, largest) {
  let total = 0;
  for (let k = 0; k < terms.length; k++) total += Math.exp(terms[k] - largest);
  return total;
}

// Share of ascending values that lie below one.
function shareBelow(ascending, value) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low / ascending.length;
}

// Everything that is known of a code in the browser.
function makeModel(bundle) {
  const { meta, arrays } = bundle;
  const q = meta.q ? makeMixture(arrays.q_mean, arrays.q_log_var, null, meta.dim, meta.reach) : null;
  const p = meta.p ? makeMixture(arrays.p_mean, arrays.p_log_var, arrays.p_log_weight, meta.dim) : null;
  return { meta, arrays, q, p, decode: makeDecoder(bundle) };
}
