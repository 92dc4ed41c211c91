// The log of a run: fetched again while it grows and somebody looks, and kept at its end.

import { poll } from "../common/poll.js";

const NEAR = 24; // pixels from the end within which a reader follows it

const part = () => document.getElementById("log");
const box = () => part().querySelector("pre");
const isOpen = () => document.getElementById("log-details").open;
const isAtEnd = () => !box() || box().scrollHeight - box().scrollTop - box().clientHeight < NEAR;

let follows = true;

function toEnd() {
  if (follows && box()) box().scrollTop = box().scrollHeight;
}

// Scrolling does not bubble; where the reader was is known only before new lines come.
part().parentElement.addEventListener("scroll", () => { follows = isAtEnd(); }, true);
new MutationObserver(toEnd).observe(part().parentElement, {
  childList: true, subtree: true, characterData: true,
});
document.getElementById("log-details").addEventListener("toggle", () => {
  if (isOpen() && Number(part().dataset.seconds)) window.htmx?.trigger(part(), "refresh");
  toEnd();
});
toEnd();

poll(
  () => Number(part().dataset.seconds),
  () => { if (isOpen()) window.htmx.trigger(part(), "refresh"); },
);
