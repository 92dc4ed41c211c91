// What can stand at a place of a query: names of fields, and values of those that have few.

const MOST = 40; // a list to look through, not to read
const NAME = /(?:^|[\s(])([^\s()"<>=~:,]+)$/;
const VALUE = /(?:^|[\s(])([^\s()"<>=~:,]+)\s*(?:(:)\s*(?:[^\s()",]+\s*,\s*)*|!?=\s*|~\s*)([^\s()",]*)$/;
const PLAIN = /^[\w.+%@/-]+$/; // what needs no quotes
const FUNCTIONS = ["min", "max", "last", "at"];

/** What fits before the caret: `text` is put in the place of the last `length` characters. */
export function completions(before, fields) {
  if (before.split('"').length % 2 === 0) return []; // within quotes
  const value = before.match(VALUE);
  if (value) return valuesOf(fields.find(({ name }) => name === value[1].toLowerCase()), value[3], Boolean(value[2]));
  const name = before.match(NAME);
  return name ? namesLike(name[1], before, fields) : [];
}

function valuesOf(field, begun, isOfSeveral) {
  const fitting = (field?.values ?? []).filter((value) => isLike(value, begun) && value !== begun);
  return fitting.slice(0, MOST).map((value) => ({
    text: PLAIN.test(value) ? value : JSON.stringify(value),
    after: isOfSeveral ? "" : " ", // a comma may follow
    label: value,
    says: "",
    length: begun.length,
  }));
}

function namesLike(begun, before, fields) {
  const isMeasured = FUNCTIONS.some((name) => before.toLowerCase().endsWith(`${name}(${begun.toLowerCase()}`));
  const among = isMeasured ? fields.filter((field) => field.is_measured) : fields;
  return among.filter(({ name }) => isLike(name, begun)).slice(0, MOST).map((field) => ({
    text: field.name,
    after: isMeasured ? ")" : operatorAfter(field),
    label: field.name,
    says: [field.title, field.unit && `(${field.unit})`].filter(Boolean).join(" "),
    length: begun.length,
  }));
}

/** What one probably compares it with. */
function operatorAfter({ kind, operators }) {
  if (kind === "number") return " < ";
  if (kind === "time") return " > ";
  return operators.includes("~") && operators.length === 1 ? "~" : ":";
}

/** Whether a name, or a part of it, begins so. */
function isLike(text, begun) {
  const small = text.toLowerCase();
  const wanted = begun.toLowerCase();
  return small.startsWith(wanted) || small.split(/[._\s]/).some((part) => part.startsWith(wanted));
}
