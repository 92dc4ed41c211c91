// Links at the top of a page that Tab comes to first: they lead the focus to a part of it. The address stays as it is,
// which on some pages holds what is on show.

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.skip");
  const part = link && document.getElementById(link.hash.slice(1));
  if (!part) return;
  event.preventDefault();
  const place = part.disabled ? part.closest("[role=group]") : part;
  if (place.tabIndex < 0) place.tabIndex = -1; // so that it can have the focus at all
  place.focus();
});
