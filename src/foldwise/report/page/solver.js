// Elastic net from (Q, c): coordinate descent finds the support, a Cholesky factor finishes exactly.
//
// Minimizes 1/2 b'Qb - c'b + sum_j f_j (l1 |b_j| + l2/2 b_j^2), where f_j is 0 for a feature that is always kept and
// Infinity for one that is dropped. Q has a unit diagonal, zero for columns that do not vary.

const ROUNDS = 500;
const SLACK = 1e-11; // what a slope may exceed its bound by: rounding, on the correlation scale
const SINGULAR = 1e-11; // a pivot below this share of its diagonal: the column says what others say

/** Solve (Q_SS + l2 f_S) x = r by Cholesky; a column that others determine gets 0. Returns x, or null if one did. */
function solveSupport(Q, p, support, ridge, right) {
  const s = support.length;
  const L = new Float64Array(s * s);
  const x = new Float64Array(s);
  let whole = true;
  for (let i = 0; i < s; i++) {
    const row = support[i] * p;
    for (let j = 0; j <= i; j++) {
      let sum = Q[row + support[j]] + (i === j ? ridge[i] : 0);
      for (let k = 0; k < j; k++) sum -= L[i * s + k] * L[j * s + k];
      if (j < i) {
        L[i * s + j] = L[j * s + j] > 0 ? sum / L[j * s + j] : 0;
      } else if (sum > SINGULAR * (1 + ridge[i])) {
        L[i * s + i] = Math.sqrt(sum);
      } else {
        whole = false;
      }
    }
    let sum = right[i];
    for (let k = 0; k < i; k++) sum -= L[i * s + k] * x[k];
    x[i] = L[i * s + i] > 0 ? sum / L[i * s + i] : 0;
  }
  for (let i = s - 1; i >= 0; i--) {
    if (L[i * s + i] === 0) continue;
    let sum = x[i];
    for (let k = i + 1; k < s; k++) sum -= L[k * s + i] * x[k];
    x[i] = sum / L[i * s + i];
  }
  return { x, whole };
}

/** Which coordinates may move, and their penalty's weights. */
function freeOf(problem, factor) {
  const free = [];
  for (let j = 0; j < problem.p; j++) if (problem.root[j] > 0 && factor[j] < Infinity) free.push(j);
  return free;
}

/** g = c - Qb. */
function slopes(problem, b, g) {
  const { Q, c, p } = problem;
  g.set(c);
  for (let j = 0; j < p; j++) {
    if (b[j] === 0) continue;
    const row = j * p;
    for (let k = 0; k < p; k++) g[k] -= Q[row + k] * b[j];
  }
}

/** One sweep of coordinate descent over `free`; keeps g = c - Qb. Returns the largest move. */
function sweep(problem, free, factor, l1, l2, b, g) {
  const { Q, p } = problem;
  let largest = 0;
  for (const j of free) {
    const f = factor[j];
    const pull = g[j] + b[j];
    const short = Math.abs(pull) - f * l1;
    const next = short > 0 ? (Math.sign(pull) * short) / (1 + f * l2) : 0;
    const move = next - b[j];
    if (move === 0) continue;
    b[j] = next;
    largest = Math.max(largest, Math.abs(move));
    const row = j * p;
    for (let k = 0; k < p; k++) g[k] -= Q[row + k] * move;
  }
  return largest;
}

/** Go to the exact solution of the support's own equations, or as far as the first sign change; drop what hit zero. */
function finish(problem, factor, l1, l2, b) {
  const { Q, c, p } = problem;
  for (;;) {
    const support = [];
    for (let j = 0; j < p; j++) if (b[j] !== 0) support.push(j);
    if (support.length === 0) return true;
    const right = support.map((j) => c[j] - factor[j] * l1 * Math.sign(b[j]));
    const { x, whole } = solveSupport(Q, p, support, support.map((j) => factor[j] * l2), right);
    if (!whole && l1 > 0) return false;
    let step = 1;
    let first = -1;
    support.forEach((j, i) => {
      if (factor[j] * l1 === 0 || x[i] * b[j] > 0) return;
      const t = b[j] / (b[j] - x[i]);
      if (t < step) [step, first] = [t, j];
    });
    support.forEach((j, i) => (b[j] = step === 1 ? x[i] : b[j] + step * (x[i] - b[j])));
    if (first < 0) return true;
    b[first] = 0;
  }
}

/** How far the slopes are from where the optimum has them. */
function residualOf(free, factor, l1, l2, b, g) {
  let worst = 0;
  for (const j of free) {
    const f = factor[j];
    const off = b[j] === 0 ? Math.abs(g[j]) - f * l1 : Math.abs(g[j] - f * (l2 * b[j] + l1 * Math.sign(b[j])));
    worst = Math.max(worst, off);
  }
  return worst;
}

/** Solve in place from b, which may be any start; returns the optimality residual. */
function solve(problem, l1, l2, factor, b) {
  const free = freeOf(problem, factor);
  const g = new Float64Array(problem.p);
  const moving = new Set(free);
  for (let j = 0; j < problem.p; j++) if (!moving.has(j)) b[j] = 0;
  if (l1 === 0) {
    for (const j of free) b[j] = b[j] || 1; // no coefficient is zero: all of them are the support
    finish(problem, factor, l1, l2, b);
    slopes(problem, b, g);
    return residualOf(free, factor, l1, l2, b, g);
  }
  slopes(problem, b, g);
  let residual = Infinity;
  for (let round = 0; round < ROUNDS && residual > SLACK; round++) {
    sweep(problem, free, factor, l1, l2, b, g);
    sweep(problem, free, factor, l1, l2, b, g);
    if (!finish(problem, factor, l1, l2, b)) {
      for (let k = 0; k < 50; k++) sweep(problem, free, factor, l1, l2, b, g); // a singular support: descent alone
    }
    slopes(problem, b, g);
    residual = residualOf(free, factor, l1, l2, b, g);
  }
  return residual;
}
