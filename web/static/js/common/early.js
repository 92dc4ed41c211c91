// Before the first paint: the theme that was chosen, so that nothing flashes.
try {
  const theme = localStorage.getItem("optoscope.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
document.documentElement.classList.add("has-script");
