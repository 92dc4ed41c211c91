// What every page has.

import "./theme.js";
import "./keyboard.js";
import "./news.js";
import "./print.js";
import "./tour.js";
