// Drawing: elements, scales, axes. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

/** An SVG element with attributes and text, appended to its parent. */
function shape(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** An HTML element of a class and text, appended to its parent. */
function node(parent, name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** A text within an element, whose `data` can be changed without making it again. */
const textIn = (parent) => parent.appendChild(document.createTextNode(""));

const scaled = (from, to, start, end) => (value) => start + ((value - from) * (end - start)) / (to - from || 1);
const rounded = (value) => Math.round(value * 10) / 10;

/** A line through points; a gap where a value is not finite. */
function lineThrough(xs, ys) {
  let path = "";
  let pen = "M";
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i])) {
      pen = "M";
      continue;
    }
    path += `${pen}${rounded(xs[i])} ${rounded(ys[i])}`;
    pen = "L";
  }
  return path;
}

/** An empty drawing as wide as its place, so that text keeps its size on every screen. */
function blank(svg) {
  const title = svg.querySelector("title");
  const width = Math.max(svg.clientWidth || 480, 260);
  const height = svg.clientHeight || 272;
  svg.replaceChildren(...(title ? [title] : []));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return { width, height };
}

/** Horizontal lines with numbers on the left. */
function verticalAxis(svg, ticks, y, left, right) {
  const labels = tickLabels(ticks);
  ticks.forEach((tick, i) => {
    shape(svg, "line", { x1: left, x2: right, y1: rounded(y(tick)), y2: rounded(y(tick)), class: "grid" });
    shape(svg, "text", { x: left - 8, y: rounded(y(tick)) + 4, "text-anchor": "end" }, labels[i]);
  });
}

/** Strengths below a drawing, strong on the left. */
function strengthAxis(svg, alphas, x, bottom) {
  const low = Math.min(...Array.from(alphas).filter((alpha) => alpha > 0));
  const high = Math.max(...alphas);
  if (!Number.isFinite(low)) return;
  let last = -Infinity;
  for (const tick of logTicks(low, high).reverse()) {
    const at = rounded(x(Math.log(tick)));
    if (at - last < 44) continue;
    last = at;
    shape(svg, "line", { x1: at, x2: at, y1: bottom, y2: bottom + 4, class: "zeroline" });
    shape(svg, "text", { x: at, y: bottom + 17, "text-anchor": "middle" }, logLabel(tick));
  }
}

/** Move labels apart so that none covers another; each is {y, ...} and moves as little as it can. */
function spreadLabels(labels, gap, top, bottom) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => (label.at = Math.max(label.y, i ? labels[i - 1].at + gap : top)));
  for (let i = labels.length - 1, limit = bottom; i >= 0; i--, limit = labels[i + 1].at - gap) {
    labels[i].at = Math.min(labels[i].at, limit);
  }
  return labels;
}

/** The beginning and the end of a long name, which tell levels and gaps apart. */
function shortName(name, most) {
  const letters = [...name];
  if (letters.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (most - 1 - head)).join("")}`;
}
