// What happens to other runs while a page is open: toasts, notifications, and whether the server is
// there (for pages without a stream of their own). One small question every few seconds; a hidden
// page asks only if it may notify.

import { Connection } from "./connection.js";
import { notify, wantsNotifications } from "./notify.js";
import { recall, remember } from "./remember.js";
import { rooted } from "./root.js";
import { announce, toast } from "./toasts.js";

const EVERY = 4_000;
const HIDDEN_EVERY = 20_000;
const LONGEST = 30_000;
const MOST = 3; // toasts for one answer; more are summed up
const PLACE = rooted("/news"); // of this server, and not of another one at the same host
const FORGET = 60_000; // what happened while no page was open for so long is no news

const WORDS = {
  finished: "finished", failed: "failed", lost: "went silent", phase_change: "has its phase change",
};
const TONES = { finished: "", failed: "bad", lost: "bad", phase_change: "mark" };

const indicator = document.getElementById("connection");
const connection = indicator.dataset.by === "news" ? new Connection(indicator) : null;
const ownRun = location.pathname.match(/\/runs\/([a-z0-9]{10})$/)?.[1];
let failures = 0;
let timer = null;

/** Where this tab is in the news, also across its pages. */
function place() {
  const [cursor, at] = (recall(PLACE, sessionStorage) ?? "").split(" ");
  return cursor && Date.now() - Number(at) < FORGET ? cursor : "";
}

async function ask() {
  clearTimeout(timer);
  if (document.hidden && !wantsNotifications()) return connection?.say("paused");
  try {
    const cursor = place();
    const answer = await fetch(rooted(`/api/v1/news${cursor && `?after=${cursor}`}`));
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const read = await answer.json();
    // Before they are told: a page that is left in between does not tell them twice.
    remember(PLACE, `${read.cursor} ${Date.now()}`, sessionStorage);
    failures = 0;
    connection?.heard();
    tell(read.news);
  } catch {
    failures += 1; // the server is away; it is asked again
    connection?.say("reconnecting");
  }
  const usual = document.hidden ? HIDDEN_EVERY : EVERY;
  timer = setTimeout(ask, Math.min(LONGEST, usual * 1.5 ** failures));
}

function tell(news) {
  // Of each run only the latest: its end, or how far its phase change is.
  const notes = [...new Map(news.map((item) => [item.run_id, noteOf(item)])).values()];
  for (const note of notes.slice(-MOST)) notify(note);
  if (document.hidden) return;
  // The page of a run shows itself what happens to it, to those who see.
  const [own, others] = [true, false].map((is) => notes.filter(({ run }) => (run === ownRun) === is));
  own.forEach(({ title, text }) => announce(`${title}. ${text}`));
  if (others.length <= MOST) others.forEach((note) => toast(note));
  else toast(summary(others));
}

function noteOf(item) {
  const title = `${item.run_name} ${WORDS[item.kind]}`;
  const href = rooted(`/runs/${item.run_id}`);
  const id = `${item.run_id}-${item.kind}-${item.at}`;
  return { title, text: item.message, href, id, run: item.run_id, kind: item.kind, tone: TONES[item.kind] };
}

function summary(notes) {
  const parts = Object.entries(WORDS)
    .map(([kind, word]) => [notes.filter((one) => one.kind === kind).length, word])
    .filter(([count]) => count);
  const text = parts.map(([count, word]) => `${count} ${word}`).join(", ");
  return { title: `${notes.length} runs`, text: `${text}.`, href: rooted("/runs") };
}

document.addEventListener("visibilitychange", ask);
addEventListener("pageshow", (event) => event.persisted && ask());
if (connection) {
  connection.changed = (state) => {
    if (state === "reconnecting") announce("The server does not answer; this page asks again.");
  };
}
ask();
