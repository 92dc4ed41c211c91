// What can stand at a place of a query: names of fields, values of those that have few, and the words between conditions.

const MOST = 40; // a list to look through, not to read
const NAME = /(?:^|[\s(])([^\s()"<>=~:,]+)$/;
const VALUE = /(?:^|[\s(])([^\s()"<>=~:,]+)\s*(?:(:)\s*(?:[^\s()",]+\s*,\s*)*|!?=\s*|~\s*)([^\s()",]*)$/;
const PLAIN = /^[\w.+%@/-]+$/; // what needs no quotes
const FUNCTIONS = ["min", "max", "last", "at"];
const KEYWORDS = { and: "both are true", or: "either is true", not: "what follows is not true" };
const ARGUMENTS = /(?:^|[\s(])(?:min|max|last|at)\([^()]*$/i;

/** What fits before the caret: `text` is put in the place of the last `length` characters. */
export function completions(before, fields) {
  if (!before.trim() || before.split('"').length % 2 === 0) return []; // within quotes
  const value = before.match(VALUE);
  if (value) return valuesOf(fields.find(({ name }) => name === value[1].toLowerCase()), value[3], Boolean(value[2]));
  const begun = before.match(NAME)?.[1] ?? "";
  const names = begun ? namesLike(begun, before, fields) : [];
  return [...keywordsLike(begun, before, fields), ...names];
}

function keywordsLike(begun, before, fields) {
  const allowed = keywordsAfter(before.slice(0, before.length - begun.length), fields);
  const fitting = allowed.filter((word) => word.startsWith(begun.toLowerCase()) && word !== begun.toLowerCase());
  return fitting.map((word) => ({ text: word, after: " ", label: word, says: KEYWORDS[word], length: begun.length }));
}

/** Which of them the grammar allows there, as far as they help: none where a name waits for its sign. */
function keywordsAfter(said, fields) {
  const rest = said.trimEnd();
  if (ARGUMENTS.test(said) || /[:=<>~,!]$/.test(rest)) return [];
  const last = rest.match(/[^\s()"]*$/)[0].toLowerCase();
  if (!rest || rest.endsWith("(") || Object.hasOwn(KEYWORDS, last)) return ["not"];
  if (!/\s$/.test(said) || fields.some(({ name }) => name === last)) return [];
  return Object.keys(KEYWORDS);
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
