// What every page has.

import "./acts.js";
import "./board_link.js";
import "./theme.js";
import "./keyboard.js";
import "./news.js";
import "./print.js";
import "./tour.js";
import "../keys/skips.js";
