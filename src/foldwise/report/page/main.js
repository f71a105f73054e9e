// The explorer: what was chosen (model, strength, mixture, features) and what follows from it.

const BUDGET = 7; // milliseconds of refitting per frame: a frame has 16

const PRESETS = { lasso: 1, "elastic net": null, ridge: 0 };

class Explorer {
  constructor(data) {
    this.data = data;
    this.features = data.names.map((name, j) => ({ name, unit: data.units[j] }));
    this.live = data.moments ? new LiveSource(data.moments) : null;
    this.kept = Object.fromEntries(Object.entries(data.paths).map(([name, path]) => [name, new KeptSource(path, this.features.length)]));
    this.acts = this.features.map(() => "penalize");
    this.at = 0;
    this.before = null;
    this.cache = new Map();
    const choose = (i) => this.step(i);
    this.curve = new CurveChart(byId("curve"), choose);
    this.chart = new PathChart(byId("path"), this.features, choose);
    this.table = new FeatureTable(byId("features"), this.features, data, (j, act) => this.toggle(j, act), (j, on) => this.chart.light(j, on));
    this.slider = byId("strength");
    this.mixer = byId("mix");
    this.listen();
    this.take(data.start);
  }

  /** The models that can be shown: refitted here, or kept by Python. */
  kinds() {
    const live = this.live ? Object.keys(PRESETS) : [];
    return [...live, ...Object.keys(this.kept).filter((name) => !live.includes(name))];
  }

  /** Other models without coefficients, whose strengths are like this one's: networks beside networks. */
  beside() {
    if (this.path.count !== null) return [];
    return Object.entries(this.kept).filter(([name, source]) => name !== this.kind && source.path.count === null)
      .map(([name, source]) => ({ name, path: source.path }));
  }

  /** Whether a candidate is one of the curves that can be seen now. */
  isShown(name) {
    return name === this.kind || (this.isLive && name in PRESETS) || this.beside().some((other) => other.name === name);
  }

  listen() {
    const field = byId("kinds");
    for (const kind of this.kinds()) {
      const label = node(field, "label", "", kind);
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "kind", value: kind, checked: kind === this.data.start });
      label.prepend(input);
      input.addEventListener("change", () => this.take(kind));
    }
    this.slider.addEventListener("input", () => this.step(Number(this.slider.value)));
    this.mixer.addEventListener("input", () => this.take(this.kind, Number(this.mixer.value)));
    byId("to-least").addEventListener("click", () => this.step(this.path.least));
    byId("to-simplest").addEventListener("click", () => this.step(this.path.simplest));
    new ResizeObserver(() => this.redraw()).observe(byId("curve"));
  }

  get isLive() {
    return this.live !== null && this.kind in PRESETS;
  }

  get isChanged() {
    return this.isLive && this.acts.some((act) => act !== "penalize");
  }

  /** Another model or mixture: the reported strength where it has one, else the same place on the new path. */
  take(kind, mix) {
    const share = this.path ? this.at / (this.path.alphas.length - 1) : 0;
    const isNew = kind !== this.kind;
    this.kind = kind;
    const own = this.data.chosen[kind];
    if (this.isLive) {
      this.mix = PRESETS[kind] ?? mix ?? (own ? own.l1_ratio : Number(this.mixer.value));
      if (this.mix === 1 && kind === "elastic net") this.mix = 0.95;
    }
    byId("mix-dial").hidden = !(this.isLive && kind === "elastic net");
    this.mixer.value = this.mix;
    byId("mix-told").textContent = told(this.mix, 2);
    this.refit();
    const alphas = this.path.alphas;
    this.slider.max = alphas.length - 1;
    const isOwn = isNew && own && (!this.isLive || Math.abs(own.l1_ratio - this.mix) < 1e-9);
    const chosen = isOwn ? nearestStrength(alphas, own.alpha) : Math.round(share * (alphas.length - 1));
    this.step(isNew && !own && !this.isLive ? this.path.least : chosen);
  }

  /** Keep a feature always, leave it out, or penalize it again. */
  toggle(j, act) {
    this.acts[j] = this.acts[j] === act ? "penalize" : act;
    this.refit();
    this.step(this.at);
  }

  /** Begin the path of what is chosen now, at once where it is short, else frame by frame. */
  refit() {
    const source = this.isLive ? this.live : this.kept[this.kind];
    this.source = source;
    const factor = Float64Array.from(this.acts, (act) => ({ penalize: 1, keep: 0, drop: Infinity })[act]);
    const plain = this.plain(source);
    this.path = this.isChanged ? source.along({ mix: this.mix, factor }) : plain;
    this.before = this.isChanged ? plain : null;
    const whole = this.path.advance(BUDGET);
    this.pending = whole ? null : this.path;
    if (!whole) requestAnimationFrame(() => this.goOn(this.path));
    this.drawn = false;
  }

  /** The path with all features penalized, whole: what changes are compared with. */
  plain(source) {
    const key = `${this.kind} ${this.isLive ? this.mix : ""}`;
    if (!this.cache.has(key)) this.cache.set(key, source.along({ mix: this.mix }));
    return this.cache.get(key);
  }

  goOn(path) {
    if (this.pending !== path) return;
    if (path.advance(BUDGET)) this.pending = null;
    else requestAnimationFrame(() => this.goOn(path));
    this.redraw();
  }

  redraw() {
    this.drawn = false;
    this.step(this.at);
  }

  /** Show one strength; draw first where something else than the strength has changed. */
  step(i) {
    const started = performance.now();
    const { path, data } = this;
    this.at = Math.min(Math.max(i, 0), path.alphas.length - 1);
    const shown = Math.min(this.at, path.done - 1);
    if (!this.drawn) {
      const before = this.before && this.before.done === path.alphas.length ? this.before : null;
      this.curve.draw(path, { before, baseline: data.baseline, beside: this.beside(), best: data.best && !this.isShown(data.best.name) ? data.best : null });
      const hasCoef = path.count !== null;
      byId("path-figure").hidden = byId("features-region").hidden = !hasCoef;
      byId("curve").parentElement.parentElement.classList.toggle("single", !hasCoef);
      if (hasCoef) {
        this.chart.draw(path);
        this.table.measure(path);
      }
      this.drawn = true;
    }
    this.slider.value = this.at;
    this.curve.mark(this.at);
    if (path.count !== null) {
      this.chart.mark(this.at);
      this.table.show(path, shown, (value, j) => this.source.perUnit(value, j), this.acts);
    }
    this.tell(path, shown);
    byId("explorer").setAttribute("aria-busy", String(path.done < path.alphas.length));
    this.lastStep = performance.now() - started;
  }

  /** The numbers at the top, and one sentence. */
  tell(path, i) {
    const { data } = this;
    const p = data.features_in_all;
    const unit = data.error_unit ? ` ${data.error_unit}` : "";
    const kept = path.count === null ? null : path.count[i];
    const fill = (id, value, small) => {
      const place = byId(id);
      place.textContent = value;
      if (small) node(place, "small", "", small);
    };
    fill("told-error", told(path.error[i]), unit);
    fill("told-kept", kept === null ? "–" : kept.toLocaleString("en-US"), kept === null ? "" : ` of ${p.toLocaleString("en-US")}`);
    fill("told-alpha", told(path.alphas[i]));
    byId("told-strength").firstElementChild.textContent = path.strength;
    byId("said").textContent = this.sentence(path, i, kept, unit);
    this.slider.setAttribute("aria-valuetext", `${path.strength} ${told(path.alphas[i])}, error ${told(path.error[i])}${unit}${kept === null ? "" : `, ${kept} of ${p} features`}`);
    byId("source").textContent = this.about(path);
    const whole = path.done === path.alphas.length;
    byId("to-least").disabled = byId("to-simplest").disabled = !whole;
  }

  sentence(path, i, kept, unit) {
    if (path.done < path.alphas.length) return "Refitting …";
    if (this.before && this.before.done === path.alphas.length) {
      const gained = path.error[i] - this.before.error[i];
      const names = (act) => this.features.filter((_, j) => this.acts[j] === act).map((feature) => shortName(feature.name, 28));
      const parts = [["without", names("drop")], ["with", names("keep")]].filter(([, list]) => list.length);
      const what = parts.map(([word, list]) => `${word} ${list.slice(0, 3).join(", ")}${list.length > 3 ? ` and ${list.length - 3} more` : ""}${word === "with" ? " always kept" : ""}`).join(", and ");
      const change = Math.abs(gained) < 5e-4 * path.error[i] ? "the error stays the same" : `the error ${gained > 0 ? "rises" : "falls"} by ${told(Math.abs(gained), 2)}${unit} at this strength`;
      return `${what[0].toUpperCase()}${what.slice(1)} ${change}. Features picked after a look at all rows flatter the error a little.`;
    }
    const smallest = path.error[path.least];
    const own = this.data.chosen[this.kind];
    const isReported = own && i === nearestStrength(path.alphas, own.alpha) && (!this.isLive || this.mix === own.l1_ratio);
    const reported = isReported ? " This is the model that the comparison reports." : "";
    const band = `between ${told(path.low[i])} and ${told(path.high[i])}${unit} within one standard error`;
    if (i === path.least) return `The lowest error of this curve, ${band}.${reported}`;
    if (i === path.simplest) return `The strongest penalty whose error is within one standard error of the lowest, ${told(smallest)}${unit}.${reported}`;
    const above = path.error[i] - smallest;
    if (above < 1e-3 * smallest) return `As good as the lowest error, ${band}.${reported}`;
    const side = i < path.simplest ? "Stronger than the data ask for" : i > path.least ? "Weaker than the lowest error asks for" : "No clear loss against the lowest error";
    return `${side}: ${told(above, 2)}${unit} above it.${reported}`;
  }

  about(path) {
    const { data } = this;
    if (!this.isLive) return "Computed by Python and kept in this page.";
    const { repeats, repeats_in_all: all, folds } = data.moments;
    const fits = this.live.fits * path.alphas.length;
    const part = repeats === all ? `all ${counted(repeats * folds, "fold")}` : `the ${folds} folds of ${repeats === 1 ? "the first" : `the first ${repeats}`} of ${all} repeats`;
    const time = ` ${counted(fits, "fit")} in ${told(path.spent, 2)} ms;`;
    return `Refitted here, exactly, from the moments of ${part}:${time} the largest distance from the optimum is ${path.residual.toExponential(0).replace("-", MINUS)}.`;
  }
}

/** The strength next to one, by their ratio. */
function nearestStrength(alphas, alpha) {
  if (alpha === 0) return alphas.length - 1;
  let nearest = 0;
  for (let i = 0; i < alphas.length; i++) {
    if (Math.abs(Math.log(alphas[i] / alpha)) < Math.abs(Math.log(alphas[nearest] / alpha))) nearest = i;
  }
  return nearest;
}

const DATA = JSON.parse(byId("data").textContent);
let explorer = null;
if (DATA && DATA.start) {
  byId("explorer").hidden = false;
  explorer = new Explorer(DATA);
  if (!explorer.live) explorer.table.fix();
}
