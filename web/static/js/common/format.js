// Numbers as people read them; the same forms as app/services/wording.py:
// tests/cases/wording.json is read by the tests of both.

export function short(number) {
  for (const [size, suffix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(number) >= size * 0.9995) return `${Number((number / size).toPrecision(3))}${suffix}`;
  }
  return `${Number(number.toPrecision(3))}`;
}

export function grouped(number) {
  // The browser's own way reads a language's rules first, which held up the first paint by 20 ms.
  return `${Math.round(number)}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

export function fixed(number, digits = 3) {
  return Number.isFinite(number) ? number.toFixed(digits).replace("-", "−") : "–";
}

export function nats(loss) {
  return loss > 0 && loss < 0.00995 ? loss.toExponential(1).replace("-", "−") : fixed(loss);
}

export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const units = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** How long ago, in one unit: whole ones that have passed. */
export function age(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return "just now";
}

/** The time of day in UTC, as everywhere on the pages. */
export function clock(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`;
}
