// "Add to a board" takes along what is chosen on the page: the address holds it by now.

document.addEventListener("click", ({ target }) => {
  const link = target.closest?.('a[href*="boards/add?"]');
  if (!link || !location.search) return;
  const there = new URL(link.href);
  const [page] = there.searchParams.get("address").split("?");
  there.searchParams.set("address", page + location.search);
  link.href = there;
});
