// The address bar: one reactive route, links taken over, back and forward, focus on the new page's heading.

import { tick } from "svelte";
import { match, type Route } from "./routes";

class Router {
  route: Route = $state.raw(match(new URL(location.href)));
  path: string = $state(location.pathname + location.search);

  /** Starts listening to links and the history; call once. */
  start(): void {
    addEventListener("popstate", () => this.#show());
    document.addEventListener("click", (event) => this.#follow(event));
  }

  /** Goes to a path of this site. */
  go(path: string, { replace = false } = {}): void {
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    scrollTo(0, 0);
    this.#show();
  }

  #show(): void {
    this.path = location.pathname + location.search;
    this.route = match(new URL(location.href));
    void tick().then(() => document.getElementById("content")?.focus({ preventScroll: true }));
  }

  #follow(event: MouseEvent): void {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!plain || event.defaultPrevented || !link?.href || link.target || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
