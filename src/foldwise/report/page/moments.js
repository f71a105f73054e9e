// Fold moments -> one correlation problem per training set: unpack, merge, fill, pool, scale.
//
// A block is the sum of the row weights, the weighted means and the centred cross-products of [x, missing marks, y] on
// one fold. No row is here. This is src/foldwise/moments in another language; tests hold the two to each other.

/** The bytes of a base64 text. */
function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** Little-endian doubles. */
const doublesOf = (text) => new Float64Array(bytesOf(text).buffer);

/** Numbers in [-1, 1] as signed integers of `width` bytes, little-endian. */
function sharesOf(text, width) {
  const bytes = bytesOf(text);
  const out = new Float64Array(bytes.length / width);
  const span = 2 ** (8 * width);
  for (let i = 0, at = 0; i < out.length; i++, at += width) {
    let value = 0;
    for (let k = width - 1; k >= 0; k--) value = value * 256 + bytes[at + k];
    out[i] = (value >= span / 2 ? value - span : value) / (span / 2 - 1);
  }
  return out;
}

/** The blocks that `foldwise.report.page.packing` packed: q variables each. */
function unpackBlocks(packed) {
  const q = packed.variables;
  const pairs = (q * (q - 1)) / 2;
  const means = sharesOf(packed.mean, 6).map((share) => share * packed.farthest);
  const roots = doublesOf(packed.root);
  const correlations = sharesOf(packed.correlation, packed.width);
  return packed.weight.map((weight, block) => {
    const root = roots.subarray(block * q, (block + 1) * q);
    const cross = new Float64Array(q * q);
    let at = block * pairs;
    for (let i = 0; i < q; i++) {
      cross[i * q + i] = root[i] * root[i];
      for (let j = i + 1; j < q; j++) {
        cross[i * q + j] = cross[j * q + i] = correlations[at++] * root[i] * root[j];
      }
    }
    return { weight, mean: means.slice(block * q, (block + 1) * q), cross };
  });
}

/** Moments of the union of blocks, about the merged mean (Chan, Golub & LeVeque 1983): nothing large is subtracted. */
function mergeBlocks(blocks) {
  const q = blocks[0].mean.length;
  const base = blocks[0].mean;
  const weight = blocks.reduce((sum, block) => sum + block.weight, 0);
  const centre = new Float64Array(q);
  for (const block of blocks) {
    for (let i = 0; i < q; i++) centre[i] += (block.weight / weight) * (block.mean[i] - base[i]);
  }
  const cross = new Float64Array(q * q);
  const away = new Float64Array(q);
  for (const block of blocks) {
    for (let i = 0; i < q; i++) away[i] = block.mean[i] - base[i] - centre[i];
    for (let i = 0; i < q; i++) {
      const lever = block.weight * away[i];
      for (let j = 0; j < q; j++) cross[i * q + j] += block.cross[i * q + j] + lever * away[j];
    }
  }
  return { weight, mean: centre.map((value, i) => value + base[i]), cross };
}

/** Add `by` times variable `from` to variable `to`, in the mean and in the cross-products. */
function addVariable(moments, to, from, by) {
  const { mean, cross } = moments;
  const q = mean.length;
  mean[to] += by * mean[from];
  for (let j = 0; j < q; j++) cross[to * q + j] += by * cross[from * q + j];
  for (let i = 0; i < q; i++) cross[i * q + to] += by * cross[i * q + from];
}

/** The design [columns, y] of one training set's rule for gaps and rare levels, from moments of [x, marks, y]. */
function mapped(moments, rule, gaps, indicators) {
  const q = moments.mean.length;
  const columns = q - 1 - gaps.length;
  const own = { weight: moments.weight, mean: moments.mean.slice(), cross: moments.cross.slice() };
  gaps.forEach((column, g) => addVariable(own, column, columns + g, rule.fill[g]));
  for (const [level, other] of rule.moved) {
    addVariable(own, other, level, 1);
    own.mean[level] = 0;
    for (let j = 0; j < q; j++) own.cross[level * q + j] = own.cross[j * q + level] = 0;
  }
  if (indicators || gaps.length === 0) return own;
  const kept = [...Array(columns).keys(), q - 1];
  const cross = new Float64Array(kept.length ** 2);
  kept.forEach((from, i) => kept.forEach((other, j) => (cross[i * kept.length + j] = own.cross[from * q + other])));
  return { weight: own.weight, mean: Float64Array.from(kept, (i) => own.mean[i]), cross };
}

/** 1/2 b'Qb - c'b + yy/2 on the correlation scale of the training rows; with a fold held out, what scores on it. */
function problemOf(training, rule, test) {
  const q = training.mean.length;
  const p = q - 1;
  const { weight, mean, cross } = training;
  const dead = new Set(rule.dead);
  const root = Float64Array.from({ length: p }, (_, j) => (dead.has(j) ? 0 : Math.sqrt(cross[j * q + j] / weight)));
  const over = root.map((r) => (r > 0 ? 1 / r : 0));
  const scaled = (of, per) => {
    const Q = new Float64Array(p * p);
    const c = new Float64Array(p);
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < p; j++) Q[i * p + j] = (of[i * q + j] / per) * over[i] * over[j];
      c[i] = (of[i * q + p] / per) * over[i];
    }
    return { Q, c, yy: of[q * q - 1] / per };
  };
  const problem = { p, ...scaled(cross, weight), root, mean, test: null };
  for (let j = 0; j < p; j++) if (root[j] > 0) problem.Q[j * p + j] = 1;
  if (test) {
    const away = Float64Array.from(over, (o, j) => (test.mean[j] - mean[j]) * o);
    problem.test = { weight: test.weight, ...scaled(test.cross, test.weight), away, yAway: test.mean[p] - mean[p] };
  }
  return problem;
}

/** The final model's problem, then that of each fit that holds out one fold. */
function problemsOf(packed) {
  const blocks = unpackBlocks(packed);
  const { folds, gaps, indicators } = packed;
  const training = (held) => {
    const first = held < 0 ? 0 : held - (held % folds);
    return mergeBlocks(blocks.slice(first, first + folds).filter((_, k) => first + k !== held));
  };
  return packed.rules.map((rule, h) => {
    const own = mapped(training(h - 1), rule, gaps, indicators);
    return problemOf(own, rule, h > 0 ? mapped(blocks[h - 1], rule, gaps, indicators) : null);
  });
}

/** Mean squared error on the held-out fold of a fit b on the correlation scale: from the fold's own moments. */
function heldOutError(problem, b) {
  const { Q, c, yy, away, yAway } = problem.test;
  const p = problem.p;
  const support = [];
  for (let j = 0; j < p; j++) if (b[j] !== 0) support.push(j);
  let atMean = yAway;
  let within = yy;
  for (const i of support) {
    atMean -= b[i] * away[i];
    let row = -2 * c[i];
    for (const j of support) row += Q[i * p + j] * b[j];
    within += b[i] * row;
  }
  return atMean * atMean + Math.max(within, 0);
}
