// Notes in the corner: said politely, stacked, dismissible; nothing on the page moves for them.

const MOST = 4;
const SECONDS = 9;

const region = document.getElementById("toasts");
const announcer = document.getElementById("announcer");

/**
 * @param {{title: string, text?: string, href?: string, tone?: string, seconds?: number,
 *          button?: {text: string, press: () => void}}} note
 * `seconds`: 0 leaves it there until it is dismissed. `button`: pressed, it takes the note away.
 */
export function toast({ title, text = "", href = "", tone = "", seconds = SECONDS, button = null }) {
  const note = document.createElement("div");
  note.className = `toast ${tone && `toast-${tone}`}`;
  const heading = document.createElement(href ? "a" : "strong");
  heading.textContent = title;
  if (href) heading.href = href;
  const words = document.createElement("p");
  words.textContent = text;
  note.append(heading, words, ...(button ? [press(note, button)] : []), dismiss(note));
  region.append(note);
  while (region.childElementCount > MOST) region.firstElementChild.remove();
  if (seconds) leaveAfter(note, seconds);
  return note;
}

/** For screen readers alone. */
export function announce(text) {
  announcer.textContent = text;
}

function press(note, { text, press: act }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button compact";
  button.textContent = text;
  button.addEventListener("click", () => {
    note.remove();
    act();
  });
  return button;
}

function dismiss(note) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button";
  button.setAttribute("aria-label", "Dismiss");
  button.textContent = "×";
  button.addEventListener("click", () => note.remove());
  return button;
}

/** Not while somebody reads it: a pointer over it or focus within stops the clock. */
function leaveAfter(note, seconds) {
  const leave = () => {
    if (note.matches(":hover, :focus-within")) setTimeout(leave, 2000);
    else note.remove();
  };
  setTimeout(leave, seconds * 1000);
}
