// Dark, light, or like the system. The choice is put on <html> before the first paint by public/theme.js.

import { remember } from "./settings";

export type Theme = "system" | "dark" | "light";
export const THEMES: readonly Theme[] = ["system", "dark", "light"];

const BAR = { dark: "#0d0e14", light: "#f9fafc" } as const;

class ThemeChoice {
  current: Theme = $state(stored());

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
    this.#paint();
  }

  choose(theme: Theme): void {
    this.current = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    remember("theme", theme);
    this.#paint();
  }

  /** Colours the browser's own bar. */
  #paint(): void {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const shown = this.current === "system" ? system : this.current;
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", BAR[shown]);
  }
}

function stored(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || theme === "light" ? theme : "system";
}

export const theme = new ThemeChoice();
