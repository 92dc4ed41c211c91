// Lists of boxes that open on a click: closed by a click elsewhere or Esc, searched, counted.

const pickers = () => [...document.querySelectorAll("details.picker")];

document.addEventListener("click", ({ target }) => {
  for (const picker of pickers()) if (!picker.contains(target)) picker.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = pickers().find((picker) => picker.open);
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
  event.preventDefault();
});

/** Shows the boxes whose words hold what was typed. */
function find(field) {
  const words = field.value.trim().toLowerCase();
  for (const group of field.closest(".picker-body").querySelectorAll("fieldset")) {
    const labels = [...group.querySelectorAll("label")];
    for (const label of labels) {
      const text = `${label.textContent} ${label.querySelector("input").value}`.toLowerCase();
      label.hidden = !text.includes(words);
    }
    group.hidden = labels.every((label) => label.hidden);
  }
}

function count(picker) {
  const picked = picker.querySelectorAll(".picks input:checked:not([value=''])").length;
  const place = picker.querySelector(".picked");
  if (place) place.textContent = picked || "";
}

// What is typed to find a box is no filter of the list: it goes no further.
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    if (!event.target.matches?.(".picker-search")) return;
    event.stopPropagation();
    find(event.target);
  }, { capture: true });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.(".picker-search")) event.preventDefault();
});
document.addEventListener("change", ({ target }) => {
  const picker = target.closest?.("details.picker");
  if (picker) count(picker);
});
