// Numbers as people read them, and the ticks of an axis.

const MINUS = "−";
const FORMATS = Array.from({ length: 21 }, (_, decimals) => {
  return new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
});

/** A size without its sign, with so many decimals. */
const sized = (value, decimals) => FORMATS[decimals].format(Math.abs(value));

/** So many significant digits, an exponent only where it is unreadable without. */
function told(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (exponent < -5 || exponent >= 9) return value.toExponential(digits - 1).replace("-", MINUS);
  const decimals = Math.min(Math.max(digits - 1 - exponent, 0), 20);
  return (value < 0 ? MINUS : "") + sized(value, decimals);
}

/** The same with its sign, and with the decimals that another number needs for so many digits. */
function signed(value, reference, digits = 3) {
  const exponent = reference > 0 ? Math.floor(Math.log10(reference)) : 0;
  if (exponent < -5 || exponent >= 9) return (value > 0 ? "+" : "") + told(value, digits);
  const decimals = Math.min(Math.max(digits - 1 - exponent, 0), 20);
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals) return (value > 0 ? "+" : "") + told(value, 1);
  return (value > 0 ? "+" : value < 0 ? MINUS : "") + sized(value, decimals);
}

/** A share in percent, never rounded up to all or down to none. */
function percent(share) {
  const whole = Math.round(100 * share);
  return `${share > 0.9999 ? 100 : share > 0 ? Math.min(Math.max(whole, 1), 99) : 0} %`;
}

const counted = (count, word) => `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`;

/** Round numbers within [low, high]: about `count` of them. */
function ticksOf(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return ticks;
}

/** Labels of ticks: all with the decimals that their step needs. */
function tickLabels(ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0]) || 1;
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 1e9 || step < 1e-6) return ticks.map((t) => told(t, 2));
  const needed = [0, 1, 2, 3, 4, 5, 6, 7].find((d) => Math.abs(step * 10 ** d - Math.round(step * 10 ** d)) < 1e-6);
  const decimals = needed === undefined ? 7 : needed;
  return ticks.map((t) => (t < -step / 1e6 ? MINUS : "") + sized(t, decimals));
}

/** Powers of ten, or where they are few also 2 and 5 times them, within [low, high]. */
function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const leads = decades > 3.5 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  const every = decades > 8 ? 2 : 1;
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    if (e % every !== 0) continue;
    for (const lead of leads) {
      const value = lead * 10 ** e;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return ticks;
}

/** A power of ten or a few of them, as a tick says it. */
const logLabel = (value) => (value >= 1e-4 && value < 1e6 ? String(Number(value.toPrecision(2))) : value.toExponential(0).replace("-", MINUS).replace("e+", "e"));
