// The form of a study: further axes, other bases.

import { rooted } from "../common/root.js";
import { form, watch } from "../launch/form.js";

const $ = (id) => document.getElementById(id);

const spare = () => form.querySelector(".axis.spare");

$("add-axis").addEventListener("click", () => {
  const axis = spare();
  axis.classList.remove("spare");
  axis.querySelector("select").focus();
  $("add-axis").disabled = !spare();
});
$("add-axis").disabled = !spare();

$("base-choice").addEventListener("change", ({ target }) => {
  if (!target.value) return;
  target.name = "take"; // sent along: what was typed stays
  form.append(target);
  form.action = rooted("/studies/new");
  form.submit();
});

// What can vary depends on the clamps: the page is made again.
$("program").addEventListener("change", () => {
  form.action = rooted("/studies/new");
  form.submit();
});

watch({
  inputOf: (id) => $(`${id}-values`) ?? $(id),
  show: ([wrong]) => {
    wrong.closest("details")?.setAttribute("open", "");
    wrong.scrollIntoView({ block: "center" });
  },
});
