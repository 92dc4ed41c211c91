// What pages hear of their runs, from a real server of event streams.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, mock, test } from "node:test";

import { StreamHub } from "../../../web/static/js/live/hub.js";
import { Stream } from "../../../web/static/js/live/stream.js";

/** Streams that were asked for: what was asked, and a way to answer. */
class Server {
  streams = [];
  refusal = null;
  #http = createServer((request, answer) => this.#answer(request, answer));

  async start() {
    await new Promise((resolve) => { this.#http.listen(0, "127.0.0.1", resolve); });
    this.url = `http://127.0.0.1:${this.#http.address().port}/events`;
  }

  #answer(request, answer) {
    const query = new URL(request.url, this.url).searchParams;
    if (this.refusal) {
      answer.writeHead(this.refusal.status, { "Content-Type": "application/problem+json" });
      return answer.end(JSON.stringify(this.refusal));
    }
    answer.writeHead(200, { "Content-Type": "text/event-stream" });
    answer.write(": hello\n\n");
    const stream = { runs: query.get("runs"), after: query.get("after"), isOpen: true, answer };
    request.on("close", () => { stream.isOpen = false; });
    this.streams.push(stream);
    return null;
  }

  get open() {
    return this.streams.filter(({ isOpen }) => isOpen);
  }

  tell(name, runId, data) {
    for (const { runs, answer } of this.open) {
      if (!runs.split(",").includes(runId)) continue;
      answer.write(`event: ${name}\ndata: ${JSON.stringify({ run_id: runId, data })}\n\n`);
    }
  }

  stop() {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

/** Waits until something holds. */
async function until(condition, what = condition.toString()) {
  for (const end = Date.now() + 5000; !condition();) {
    if (Date.now() > end) assert.fail(`not within 5 s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

const repeat = globalThis.setInterval;
// What pages do for ever must not keep the tests from ending.
globalThis.setInterval = (...how) => repeat(...how).unref();

let server;
let hub;
let pages;

beforeEach(async () => {
  server = new Server();
  await server.start();
  hub = new StreamHub();
  pages = [];
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  const shown = new EventTarget();
  globalThis.addEventListener = shown.addEventListener.bind(shown);
  globalThis.dispatchEvent = shown.dispatchEvent.bind(shown);
  globalThis.SharedWorker = class {
    constructor() {
      const { port1, port2 } = new MessageChannel();
      hub.add(port1);
      this.port = port2;
    }
  };
});

afterEach(() => {
  globalThis.dispatchEvent(new Event("pagehide"));
  server.stop();
});

/** A page that follows runs; what it drew, and what it said. */
function look(places) {
  const page = { drawn: [], states: [], why: "" };
  page.stream = new Stream(server.url, places, {
    measurements: (news) => {
      for (const { runId, measurements } of news) {
        page.drawn.push(...measurements.map(({ sequences }) => `${runId}${sequences}`));
      }
    },
    run: () => {},
    frames: () => {},
    state: (state, why) => {
      page.states.push(state);
      page.why = why;
    },
  });
  pages.push(page);
  return page;
}

const isLive = ({ stream }) => stream.state === "live";

test("pages share one connection, and each is told of its runs what it has not", async () => {
  const first = look({ a: 0 });
  await until(() => isLive(first));
  server.tell("measurement", "a", { sequences: 32 });
  await until(() => first.drawn.length === 1);
  const [second, third] = [look({ a: 0 }), look({ b: 64 })];
  await until(() => isLive(second) && isLive(third));

  assert.deepEqual(server.open.map(({ runs, after }) => [runs, after]), [["a,b", "0,64"]]);
  server.tell("measurements", "a", [{ sequences: 32 }, { sequences: 64 }]);
  server.tell("measurement", "b", { sequences: 96 });
  await until(() => third.drawn.length);
  assert.deepEqual([first.drawn, second.drawn, third.drawn], [["a32", "a64"], ["a32", "a64"], ["b96"]]);
});

test("a page that has what the others have costs no new connection", async () => {
  const first = look({ a: 0 });
  await until(() => isLive(first));
  const second = look({ a: 0 });
  await until(() => isLive(second));
  assert.equal(server.streams.length, 1);
});

test("a stream that is cut again and again brings every point once", async () => {
  const page = look({ a: -1 });
  const places = [0, 32, 64, 96];
  for (const sequences of places) {
    await until(() => server.open.length && isLive(page));
    server.tell("measurement", "a", { sequences });
    await until(() => page.drawn.includes(`a${sequences}`));
    const [cut] = server.open;
    cut.answer.write("event: measurement\ndata: {\"run_id\":\"a\",\"da"); // in the middle of an event
    cut.answer.end();
    await until(() => !cut.isOpen);
  }
  assert.deepEqual(page.drawn, places.map((place) => `a${place}`));
  assert.deepEqual(server.streams.slice(0, 4).map(({ after }) => after), ["-1", "0", "32", "64"]);
});

test("a page that is refused says why and does not ask for ever", async () => {
  server.refusal = { status: 422, detail: "Say which runs to follow: 1 to 500 ids." };
  const page = look({ a: 0 });
  await until(() => page.stream.state === "refused");
  assert.equal(page.why, server.refusal.detail);
  server.refusal = null;
  globalThis.dispatchEvent(new Event("pagehide"));
  globalThis.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await until(() => isLive(page));
});

test("a server that is busy is asked again", async () => {
  server.refusal = { status: 503, detail: "" };
  const page = look({ a: 0 });
  await until(() => page.stream.state === "reconnecting");
  server.refusal = null;
  await until(() => isLive(page));
});

test("runs that are all gone end their pages", async () => {
  server.refusal = { status: 404, detail: "There is no run 'a'." };
  const page = look({ a: 0 });
  await until(() => page.stream.state === "finished");
});

test("a page that has ended within the grace of a hidden one does not say that it is paused", async () => {
  const page = look({ a: 0 });
  await until(() => isLive(page));
  mock.timers.enable({ apis: ["setTimeout"] });
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  server.tell("ended", "a", { state: "finished" });
  while (page.stream.state !== "finished") await new Promise((resolve) => { setImmediate(resolve); });
  mock.timers.tick(10_000);
  mock.timers.reset();
  assert.equal(page.stream.state, "finished");
});

test("a page that was hidden for ten minutes asks for what came meanwhile, and for no more", async () => {
  const [page, other] = [look({ a: 0 }), look({ b: 0 })];
  await until(() => isLive(page) && isLive(other));
  mock.timers.enable({ apis: ["setTimeout"] });
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  mock.timers.tick(600_000);
  mock.timers.reset();
  assert.deepEqual([page.stream.state, other.stream.state], ["paused", "paused"]);
  await until(() => !server.open.length, "nobody looks, nothing is sent");
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await until(() => isLive(page));
  assert.deepEqual(server.open.map(({ runs, after }) => [runs, after]), [["a,b", "0,0"]]);
  server.tell("measurements", "a", [{ sequences: 32 }, { sequences: 64 }]);
  await until(() => page.drawn.length === 2);
});

test("a page whose hub does not answer makes a connection of its own", async () => {
  globalThis.SharedWorker = class {
    port = new MessageChannel().port2;
  };
  mock.timers.enable({ apis: ["setTimeout"] });
  const page = look({ a: 0 });
  mock.timers.tick(10_000);
  mock.timers.reset();
  await until(() => isLive(page));
});

test("a page that was taken for dead says what it follows again", async () => {
  mock.timers.enable({ apis: ["setInterval", "Date"] });
  hub = new StreamHub();
  const page = look({ a: 0 });
  await until(() => isLive(page));
  const ask = () => mock.timers.tick(15_000);
  mock.timers.setTime(3_600_000); // the computer slept: no timer of the page ran
  ask();
  await until(() => server.streams.length === 2 && server.open.length === 1 && isLive(page));
  mock.timers.reset();
});

test("more runs than an address can hold are followed over several connections", async () => {
  const page = look(Object.fromEntries(Array.from({ length: 401 }, (_, number) => [`r${number}`, 0])));
  await until(() => server.open.length === 3 && isLive(page));
  assert.deepEqual(server.open.map(({ runs }) => runs.split(",").length).sort(), [1, 200, 200]);
});
