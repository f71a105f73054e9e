// The page's two sources of numbers: refits from fold moments, and a path that Python computed.
//
// Both answer alike. `along(choice)` gives, for strengths from strong to weak: alphas, error, low, high (the band of one
// standard error), coef (A x p, per standard deviation), kept (A x p, shares of fits), count (of features), least and
// simplest (positions by the smallest error and by the one-standard-error rule), and how many strengths are done.

const POINTS = 100;
const WEAKEST = 1e-3;
const RIDGE_STRONGEST = 100;

/** Weighted mean and standard error over the folds of each repeat, as `foldwise.inference.error_curve` has them. */
function meanOverFolds(errors, weights, folds) {
  const total = weights.reduce((sum, w) => sum + w, 0);
  let mean = 0;
  errors.forEach((error, i) => (mean += (weights[i] / total) * error));
  const repeats = errors.length / folds;
  let squares = 0;
  for (let r = 0; r < repeats; r++) {
    let sum = 0;
    let centre = 0;
    for (let i = r * folds; i < (r + 1) * folds; i++) sum += weights[i];
    for (let i = r * folds; i < (r + 1) * folds; i++) centre += (weights[i] / sum) * errors[i];
    for (let i = r * folds; i < (r + 1) * folds; i++) squares += (weights[i] / sum) * (errors[i] - centre) ** 2;
  }
  return { mean, standardError: Math.sqrt(squares / repeats / (folds - 1)) };
}

/** Positions of the smallest error, and of the strongest penalty within one standard error of it. */
function chooseStrength(means, standardErrors) {
  let least = 0;
  means.forEach((mean, i) => {
    if (mean < means[least]) least = i;
  });
  const limit = means[least] + standardErrors[least];
  return { least, simplest: means.findIndex((mean) => mean <= limit) };
}

/** Refits the elastic net on every training set from the moments in the page. */
class LiveSource {
  constructor(packed) {
    this.packed = packed;
    this.problems = problemsOf(packed);
    this.p = this.problems[0].p;
    this.folds = packed.folds;
    this.fits = this.problems.length;
    this.unit = packed.target_scale; // of y, and of alpha
    this.weights = this.problems.slice(1).map((problem) => problem.test.weight);
  }

  /** Strengths from the smallest that empties the model down; for ridge from one that shrinks all to a hundredth. */
  alphas(mix) {
    const { c, root } = this.problems[0];
    const pull = c.reduce((most, value, j) => (root[j] > 0 ? Math.max(most, Math.abs(value)) : most), 0);
    const strongest = mix === 0 ? RIDGE_STRONGEST : Math.max(pull, 1e-15) / mix;
    const weakest = mix === 0 ? WEAKEST ** 3 : WEAKEST;
    return Float64Array.from({ length: POINTS }, (_, i) => this.unit * strongest * weakest ** (i / (POINTS - 1)));
  }

  /** A walk along the strengths, which `advance` takes on for some milliseconds at a time. */
  along(choice) {
    const alphas = choice.alphas || this.alphas(choice.mix);
    const A = alphas.length;
    const path = {
      alphas, strength: "alpha", done: 0, spent: 0, residual: 0, least: 0, simplest: 0,
      mse: new Float64Array(A), standardError: new Float64Array(A),
      error: new Float64Array(A), low: new Float64Array(A), high: new Float64Array(A),
      coef: new Float64Array(A * this.p), kept: new Float32Array(A * this.p), intercept: new Float64Array(A), count: new Uint32Array(A),
    };
    const warm = this.problems.map(() => new Float64Array(this.p));
    const factor = choice.factor || new Float64Array(this.p).fill(1);
    path.advance = (milliseconds) => {
      const started = performance.now();
      do {
        if (path.done < A) this.point(path, path.done++, choice.mix, factor, warm);
      } while (path.done < A && performance.now() - started < milliseconds);
      path.spent += performance.now() - started;
      if (path.done === A) Object.assign(path, chooseStrength(path.mse, path.standardError));
      return path.done === A;
    };
    return path;
  }

  /** All fits at one strength, written into the path at i. */
  point(path, i, mix, factor, warm) {
    const { p, unit } = this;
    const alpha = path.alphas[i] / unit;
    const errors = [];
    this.problems.forEach((problem, h) => {
      const b = warm[h];
      path.residual = Math.max(path.residual, solve(problem, alpha * mix, alpha * (1 - mix), factor, b));
      if (h > 0) {
        errors.push(heldOutError(problem, b));
        for (let j = 0; j < p; j++) if (b[j] !== 0) path.kept[i * p + j] += 1 / (this.fits - 1);
        return;
      }
      let intercept = problem.mean[p];
      for (let j = 0; j < p; j++) {
        path.coef[i * p + j] = b[j] * unit;
        if (b[j] === 0) continue;
        path.count[i]++;
        intercept -= (b[j] / problem.root[j]) * (problem.mean[j] + this.packed.centre[j]);
      }
      path.intercept[i] = intercept * unit + this.packed.target_centre;
    });
    const { mean, standardError } = meanOverFolds(errors, this.weights, this.folds);
    path.mse[i] = mean * unit ** 2;
    path.standardError[i] = standardError * unit ** 2;
    path.error[i] = Math.sqrt(mean) * unit;
    path.low[i] = Math.sqrt(Math.max(mean - standardError, 0)) * unit;
    path.high[i] = Math.sqrt(mean + standardError) * unit;
  }

  /** Units of y per unit of the column, for one coefficient per standard deviation. */
  perUnit(perSd, j) {
    return perSd === 0 ? 0 : perSd / (this.problems[0].root[j] * this.packed.spread[j]);
  }
}

/** A path that Python computed and put into the page. */
class KeptSource {
  constructor(kept, features) {
    const A = kept.alphas.length;
    const { columns, largest } = kept;
    const coef = new Float64Array(A * features);
    const shares = new Float32Array(A * features);
    const parts = sharesOf(kept.coef, 2);
    const survival = bytesOf(kept.survival);
    this.sd = new Map(columns.map((j, at) => [j, kept.sd[at]]));
    columns.forEach((j, at) => {
      for (let i = 0; i < A; i++) {
        coef[i * features + j] = parts[i * columns.length + at] * largest[at];
        shares[i * features + j] = survival[i * columns.length + at] / 200;
      }
    });
    this.path = { ...kept, coef, kept: shares, done: A, residual: null, advance: () => true };
  }

  along() {
    return this.path;
  }

  perUnit(perSd, j) {
    return perSd === 0 ? 0 : perSd / this.sd.get(j);
  }
}
