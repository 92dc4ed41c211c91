// Presets are links. Where something was typed, the form is sent along: what was typed stays in it.

import { rooted } from "../common/root.js";
import { form } from "./form.js";

const isOption = (input) => input.name && input.type !== "hidden" && input.name !== "tool";

function isChanged(input) {
  if (input.matches("select")) return ![...input.options].some((one) => one.selected && isInitial(one));
  return input.type === "checkbox" ? input.checked !== input.defaultChecked : input.value !== input.defaultValue;
}

/** Whether a list began with this option: without a mark on any, with the first. */
function isInitial(option) {
  const marked = [...option.closest("select").options].some((one) => one.defaultSelected);
  return marked ? option.defaultSelected : option.index === 0;
}

const isTyped = () => form.dataset.typed !== undefined || [...form.elements].some((one) => isOption(one) && isChanged(one));

document.addEventListener("click", (event) => {
  const preset = event.target.closest("a[data-preset]")?.dataset.preset;
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!preset || !isPlain || !isTyped()) return;
  event.preventDefault();
  const take = Object.assign(document.createElement("input"), { type: "hidden", name: "take", value: preset });
  form.append(take);
  form.action = rooted("/runs/new");
  form.submit();
});
