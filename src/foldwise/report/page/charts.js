// The two charts over the strength of the penalty: cross-validated error with its band, and the coefficient path.

const MOST_LABELS = 9;
const FOOT = 36;

/** Let the pointer choose a strength on a drawing: mouse, pen or finger. */
function draggable(svg, positions, choose) {
  const pick = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const at = (event.clientX - box.left) * scale;
    const xs = positions();
    if (!xs) return;
    let nearest = 0;
    xs.forEach((x, i) => {
      if (Math.abs(x - at) < Math.abs(xs[nearest] - at)) nearest = i;
    });
    choose(nearest);
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    pick(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (event.buttons) pick(event);
  });
}

/** Where strengths stand on a drawing of this width, by their logarithm; `all` are those that must find room. */
function strengthScale(alphas, left, right, all = alphas) {
  const weakest = Math.min(...Array.from(all).filter((alpha) => alpha > 0)) / 10; // where no strength at all stands
  const place = (alpha) => Math.log(alpha > 0 ? alpha : weakest);
  const x = scaled(place(Math.max(...all)), place(Math.min(...all)), left, right);
  const at = (alpha) => x(place(alpha));
  return { x, at, xs: Array.from(alphas, at) };
}

/** The cross-validation curve: band of one standard error, both rules' choices, and a marker that moves. */
class CurveChart {
  constructor(svg, choose) {
    this.svg = svg;
    draggable(svg, () => this.xs, choose);
  }

  /** `before`: the path without changes; `beside`: other curves; `best`: the best candidate where it is none of these. */
  draw(path, { before, baseline, beside, best }) {
    const { svg } = this;
    const { width, height } = blank(svg);
    const done = path.done;
    const top = 30;
    const bottom = height - FOOT;
    const known = (values) => Array.from(values.slice(0, done));
    let low = Math.min(...known(path.low));
    let high = Math.max(...known(path.high));
    const others = [...(before ? [before] : []), ...beside.map((other) => other.path)];
    for (const other of others) [low, high] = [Math.min(low, ...other.error), Math.max(high, ...other.error)];
    if (best) [low, high] = [Math.min(low, best.error), Math.max(high, best.error)];
    const margin = 0.05 * (high - low || Math.abs(high) || 1);
    [low, high] = [Math.max(low - margin, 0), high + margin];
    const ticks = ticksOf(low, high, Math.max(Math.round((bottom - top) / 45), 2));
    const left = 14 + 7 * Math.max(...tickLabels(ticks).map((label) => label.length));
    const right = width - 6;
    const strengths = [...path.alphas, ...beside.flatMap((other) => [...other.path.alphas])];
    const { x, at: standsAt, xs } = strengthScale(path.alphas, left + 6, right, strengths);
    const y = scaled(low, high, bottom, top);
    Object.assign(this, { xs, y, path });
    verticalAxis(svg, ticks, y, left, right);
    strengthAxis(svg, strengths, x, bottom);
    const names = [...new Set([path.strength, ...beside.map((other) => other.path.strength)])].join(", ");
    shape(svg, "text", { x: (left + right) / 2, y: height - 3, "text-anchor": "middle" }, `${names}, the strength of the penalty`);
    for (const { name, path: other } of beside) {
      const at = Array.from(other.alphas, standsAt);
      shape(svg, "path", { d: lineThrough(at, Array.from(other.error, y)), class: "ghost" });
      shape(svg, "text", { x: rounded(at[0]) + 4, y: rounded(y(other.error[0])) - 6 }, name);
    }
    if (best) {
      shape(svg, "line", { x1: left, x2: right, y1: rounded(y(best.error)), y2: rounded(y(best.error)), class: "ghost" });
      shape(svg, "text", { x: left + 6, y: rounded(y(best.error)) - 5 }, `${shortName(best.name, 28)}, the best`);
    }
    const ups = known(path.high).map((value, i) => `${rounded(xs[i])} ${rounded(y(value))}`);
    const downs = known(path.low).map((value, i) => `${rounded(xs[i])} ${rounded(y(value))}`);
    if (done > 1) shape(svg, "polygon", { points: [...ups, ...downs.reverse()].join(" "), class: "band" });
    const last = done - 1;
    const edge = y(path.high[last]);
    if (done === path.alphas.length) {
      shape(svg, "text", { x: right, y: rounded(edge - top > 60 ? edge - 7 : y(path.low[last]) + 16), "text-anchor": "end" }, "± 1 standard error");
    }
    if (baseline > low && baseline < high) {
      shape(svg, "line", { x1: left, x2: right, y1: y(baseline), y2: y(baseline), class: "ghost" });
      shape(svg, "text", { x: right, y: y(baseline) - 5, "text-anchor": "end" }, "no features");
    }
    if (before) {
      shape(svg, "path", { d: lineThrough(xs, Array.from(before.error, y)), class: "ghost" });
    }
    shape(svg, "path", { d: lineThrough(xs.slice(0, done), known(path.error).map(y)), class: "error" });
    if (done === path.alphas.length) this.flags(top, bottom, left, right);
    this.line = shape(svg, "line", { y1: top - 6, y2: bottom, class: "now" });
    this.dot = shape(svg, "circle", { r: 5.5, class: "nowdot" });
  }

  /** The strongest penalty within one standard error, and the smallest error. */
  flags(top, bottom, left, right) {
    const { svg, path, xs } = this;
    const same = path.least === path.simplest;
    const flags = same ? [[path.least, "lowest error"]] : [[path.simplest, "1 SE"], [path.least, "lowest error"]];
    const crowded = !same && Math.abs(xs[path.least] - xs[path.simplest]) < 90;
    flags.forEach(([at, label], k) => {
      const x = rounded(xs[at]);
      shape(svg, "line", { x1: x, x2: x, y1: top - 6, y2: bottom, class: "flag" });
      const end = crowded && k === 0;
      const anchor = end ? "end" : x > right - 45 ? "end" : x < left + 45 ? "start" : "middle";
      shape(svg, "text", { x: crowded && k === 1 && anchor === "middle" ? x - 6 : x, y: top - 14, "text-anchor": crowded && k === 1 && anchor === "middle" ? "start" : anchor, class: "flagged" }, label);
    });
  }

  mark(i) {
    const x = rounded(this.xs[i]);
    this.line.setAttribute("x1", x);
    this.line.setAttribute("x2", x);
    const known = i < this.path.done;
    this.dot.setAttribute("cx", x);
    this.dot.setAttribute("cy", known ? rounded(this.y(this.path.error[i])) : -20);
  }
}

/** Every coefficient along the strengths, per standard deviation; the strongest have their names at the right end. */
class PathChart {
  constructor(svg, features, choose) {
    this.svg = svg;
    this.features = features;
    draggable(svg, () => this.xs, choose);
  }

  draw(path) {
    const { svg, features } = this;
    const { width, height } = blank(svg);
    const p = features.length;
    const done = path.done;
    const top = 16;
    const bottom = height - FOOT;
    let low = 0;
    let high = 0;
    const size = new Float64Array(p);
    for (let i = 0; i < done; i++) {
      for (let j = 0; j < p; j++) {
        const value = path.coef[i * p + j];
        if (value < low) low = value;
        if (value > high) high = value;
        if (Math.abs(value) > size[j]) size[j] = Math.abs(value);
      }
    }
    if (high === low) high = 1;
    const margin = 0.04 * (high - low);
    [low, high] = [low - margin, high + margin];
    const ticks = ticksOf(low, high, Math.max(Math.round((bottom - top) / 45), 2));
    const left = 14 + 7 * Math.max(...tickLabels(ticks).map((label) => label.length));
    const ends = (done ? done : 1) - 1;
    const strongest = [...Array(p).keys()].filter((j) => size[j] > 0).sort((a, b) => Math.abs(path.coef[ends * p + b]) - Math.abs(path.coef[ends * p + a])).slice(0, MOST_LABELS);
    const most = width < 420 ? 12 : 16;
    const longest = Math.max(4, ...strongest.map((j) => [...shortName(features[j].name, most)].length));
    const right = width - 10 - Math.min(7 * longest, 0.34 * width);
    const { x, xs } = strengthScale(path.alphas, left + 6, right);
    const y = scaled(low, high, bottom, top);
    Object.assign(this, { xs, y, path, lines: new Map() });
    verticalAxis(svg, ticks, y, left, right);
    strengthAxis(svg, path.alphas, x, bottom);
    shape(svg, "text", { x: (left + right) / 2, y: height - 3, "text-anchor": "middle" }, "alpha, the strength of the penalty");
    shape(svg, "line", { x1: left, x2: right, y1: rounded(y(0)), y2: rounded(y(0)), class: "zeroline" });
    const named = new Set(strongest);
    for (let j = 0; j < p; j++) if (size[j] > 0) this.line(j, named.has(j) || p <= MOST_LABELS);
    const labels = strongest.map((j) => ({ j, y: y(path.coef[ends * p + j]) }));
    for (const label of spreadLabels(labels, 14, top, bottom)) {
      const value = path.coef[ends * p + label.j];
      const text = shape(svg, "text", { x: right + 8, y: rounded(label.at) + 4, class: value < 0 ? "downer" : "upper" }, shortName(features[label.j].name, most));
      this.lines.get(label.j).push(text);
    }
    this.now = shape(svg, "line", { y1: top - 6, y2: bottom, class: "now" });
  }

  /** One feature's line, in two colours where its sign changes. */
  line(j, strong) {
    const { path, xs, y } = this;
    const p = this.features.length;
    const values = Array.from({ length: path.done }, (_, i) => path.coef[i * p + j]);
    const parts = [];
    for (const [sign, name] of [[1, "up"], [-1, "down"]]) {
      const own = values.map((value, i) => {
        const beside = [values[i - 1], value, values[i + 1]].some((v) => v !== undefined && v * sign > 0);
        return beside ? y(value * sign > 0 ? value : 0) : NaN;
      });
      if (!own.some(Number.isFinite)) continue;
      const line = shape(this.svg, "path", { d: lineThrough(xs, own), class: `coef ${name}${strong ? "" : " pale"}` });
      shape(line, "title", {}, this.features[j].name);
      parts.push(line);
    }
    this.lines.set(j, parts);
  }

  mark(i) {
    const x = rounded(this.xs[i]);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
  }

  light(j, on) {
    for (const part of (this.lines && this.lines.get(j)) || []) part.classList.toggle("lit", on);
  }
}
