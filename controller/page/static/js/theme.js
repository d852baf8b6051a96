// Runs before the first paint, so that a stored choice never flashes. Without one, the system's preference holds.
(() => {
  const stored = localStorage.getItem("biovisor.theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset["theme"] = stored;
})();
