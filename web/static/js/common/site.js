// What every page has.

import "./acts.js";
import "./theme.js";
import "./keyboard.js";
import "./news.js";
import "./print.js";
import "./tour.js";
