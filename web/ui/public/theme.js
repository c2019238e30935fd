// Runs before the first paint so that a chosen theme never flashes; the rest of the theme code is src/app/theme.ts.
(function () {
  try {
    var theme = localStorage.getItem("lockstep.theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch (ignored) {
    // Storage is refused: the system's choice stands.
  }
})();
