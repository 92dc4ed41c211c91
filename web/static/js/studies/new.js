// The form of a study: further axes, other bases, what is wrong, and that nothing is sent twice.

const $ = (id) => document.getElementById(id);
const form = $("launch");

function markChanged(input) {
  if (input.dataset.default === undefined) return;
  input.closest(".field")?.classList.toggle("changed", input.value.trim() !== input.dataset.default);
}

function markErrors() {
  let anyWrong = false;
  for (const error of form.querySelectorAll(".error[id]")) {
    const id = error.id.replace(/^error-/, "");
    const input = $(`${id}-values`) ?? $(id);
    const wrong = error.textContent.trim() !== "";
    if (input?.matches("input, select, textarea")) input.setAttribute("aria-invalid", String(wrong));
    if (wrong) error.closest("details.section")?.setAttribute("open", "");
    anyWrong ||= wrong;
  }
  if (!anyWrong) $("refusal").hidden = true;
}

const spare = () => form.querySelector(".axis.spare");

$("add-axis").addEventListener("click", () => {
  const axis = spare();
  axis.classList.remove("spare");
  axis.querySelector("select").focus();
  $("add-axis").disabled = !spare();
});
$("add-axis").disabled = !spare();

$("base-choice").addEventListener("change", ({ target }) => {
  if (target.value) location.href = `/studies/new?base=${target.value}`;
});

// What can vary depends on the clamps: the page is made again.
$("program").addEventListener("change", () => {
  form.action = "/studies/new";
  form.submit();
});

form.addEventListener("input", (event) => markChanged(event.target));
document.addEventListener("htmx:after:swap", markErrors);
form.addEventListener("submit", (event) => {
  const wrong = [...form.querySelectorAll(".error[id]")].find((error) => error.textContent.trim());
  if (!wrong) {
    form.querySelector("button[type=submit].primary").disabled = true;
    return;
  }
  event.preventDefault(); // the server would only say the same again
  $("refusal").hidden = false;
  $("refusal").lastElementChild.textContent = "Something is to be put right.";
  wrong.closest("details")?.setAttribute("open", "");
  wrong.scrollIntoView({ block: "center" });
});

addEventListener("pageshow", () => {
  form.querySelector("button[type=submit].primary").disabled = false;
});

form.querySelectorAll("[data-default]").forEach(markChanged);
markErrors();
