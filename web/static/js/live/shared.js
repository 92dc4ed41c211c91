// The hub that all tabs of a browser share: a worker, which lives as long as one of them does.

import { StreamHub } from "./hub.js";

const hub = new StreamHub();
addEventListener("connect", ({ ports: [port] }) => hub.add(port));
