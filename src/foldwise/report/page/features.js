// The table of features: signed bars, coefficients, survival, and what to do with each: keep it always, or drop it.

const MOST_ROWS = 60;

/** Rows are made once; a step of the slider only changes numbers and bars. */
class FeatureTable {
  constructor(table, features, data, onChange, onLight) {
    this.body = table.tBodies[0];
    this.features = features;
    this.scale = 1;
    this.rows = data.order.slice(0, MOST_ROWS).map((j) => this.row(j, onChange, onLight));
    const more = data.features_in_all - this.rows.length;
    if (more > 0) {
      const cell = node(node(this.body, "tr", "zero"), "td", "", `and ${counted(more, "weaker feature")}, in report.json`);
      cell.colSpan = 6;
    }
  }

  row(j, onChange, onLight) {
    const feature = this.features[j];
    const row = node(this.body, "tr");
    const name = node(row, "th", "", shortName(feature.name, 40));
    name.scope = "row";
    if (name.textContent !== feature.name) name.title = feature.name;
    const bars = node(row, "td", "bars");
    const svg = shape(bars, "svg", { viewBox: "-100 0 200 18", preserveAspectRatio: "none", "aria-hidden": "true" });
    const bar = shape(svg, "rect", { y: 2, height: 14, rx: 1 });
    shape(svg, "line", { x1: 0, x2: 0, y1: 0, y2: 18, class: "axisline" });
    const perSd = textIn(node(row, "td", "num strong"));
    const perUnit = textIn(node(row, "td", "num per-unit"));
    const survival = node(row, "td", "survival");
    const meter = node(node(survival, "span", "meter"), "i");
    const share = textIn(node(survival, "span"));
    const acts = node(row, "td", "acts");
    const buttons = {};
    for (const [act, word, about] of [["keep", "keep", "Always keep"], ["drop", "drop", "Leave out"]]) {
      const button = node(acts, "button", "", word);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", `${about} ${feature.name}`);
      button.addEventListener("click", () => onChange(j, act));
      buttons[act] = button;
    }
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
      row.addEventListener(event, () => {
        row.classList.toggle("lit", on);
        onLight(j, on);
      });
    }
    return { j, row, bar, perSd, perUnit, meter, share, buttons, shown: {} };
  }

  /** Show one strength: of each row only what has changed since the last. */
  show(path, i, perUnit, acts) {
    const p = this.features.length;
    for (const one of this.rows) {
      const { j, row, bar, shown } = one;
      const value = path.coef[i * p + j];
      const kept = path.kept[i * p + j];
      const act = acts[j];
      if (shown.act !== act) {
        row.classList.toggle("dropped", act === "drop");
        for (const [name, button] of Object.entries(one.buttons)) button.setAttribute("aria-pressed", String(act === name));
      }
      if (shown.value !== value || shown.scale !== this.scale || shown.act !== act) {
        const width = value === 0 ? 0 : Math.max(Math.min((100 * Math.abs(value)) / this.scale, 100), 0.75);
        bar.setAttribute("x", value < 0 ? -width : 0);
        bar.setAttribute("width", width);
        bar.setAttribute("class", value < 0 ? "bar down" : "bar up");
        row.classList.toggle("zero", value === 0);
        one.perSd.data = value === 0 ? (act === "drop" ? "left out" : "dropped") : signed(value, this.scale);
        const unit = this.features[j].unit;
        one.perUnit.data = value === 0 ? "" : `${told(perUnit(value, j))}${unit ? ` / ${unit}` : ""}`;
      }
      if (shown.kept !== kept) {
        one.meter.style.width = `${100 * kept}%`;
        one.share.data = percent(kept);
      }
      one.shown = { value, kept, act, scale: this.scale };
    }
  }

  /** Bars of all strengths share one scale, so that sliding shows shrinking. */
  measure(path) {
    this.scale = path.coef.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  }

  /** Without moments in the page nothing can be refitted. */
  fix() {
    for (const { buttons } of this.rows) Object.values(buttons).forEach((button) => button.remove());
  }
}
