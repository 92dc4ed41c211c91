// Legends as buttons: a click hides and shows, a double click shows one alone and all again. What is
// hidden at first is what the server has drawn so.

import { oneStop } from "../keys/one_stop.js";
import { aloneByDoubleClick, toggle } from "./hidden.js";

/**
 * @param {string} id of the group of buttons
 * @param {string} key the data attribute that numbers them
 * @param {(hidden: Set<number>) => void} apply
 */
export function legend(id, key, apply) {
  oneStop(document.getElementById(id));
  const buttons = [...document.getElementById(id).querySelectorAll("button")];
  const numbers = buttons.map((button) => Number(button.dataset[key]));
  const isHidden = (button) => button.getAttribute("aria-pressed") === "false";
  const hidden = new Set(buttons.filter(isHidden).map((button) => Number(button.dataset[key])));
  const update = () => {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(!hidden.has(numbers[index])));
    });
    apply(hidden);
  };
  buttons.forEach((button, index) => {
    const number = numbers[index];
    button.addEventListener("click", (event) => {
      if (event.detail === 2) return; // the second half of a double click
      toggle(hidden, number);
      update();
    });
    button.addEventListener("dblclick", () => {
      aloneByDoubleClick(hidden, number, numbers);
      update();
    });
  });
}
