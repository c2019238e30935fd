// A list that is loaded page by page and read again while it is on screen.

/** What was read of it just now. */
export interface Page<T> {
  readonly nodes: readonly T[];
  readonly hasMore: boolean;
  readonly endCursor: string | null;
}

/** What is shown, and where the next page begins; null when there is none. */
export interface Shown<T> {
  readonly rows: T[];
  readonly cursor: string | null;
}

/** The next page behind what is shown. Whatever moved there meanwhile is shown once. */
export function longer<T>(shown: Shown<T>, page: Page<T>, id: (row: T) => string): Shown<T> {
  const fresh = new Set(page.nodes.map(id));
  return { rows: [...shown.rows.filter((row) => !fresh.has(id(row))), ...page.nodes], cursor: next(page) };
}

/**
 * The first rows again, at most as many as a page may hold. What was loaded beyond them stays where it is, with its own
 * cursor; where nothing of what was read is shown, the list begins anew.
 */
export function refreshed<T>(shown: Shown<T>, page: Page<T>, id: (row: T) => string): Shown<T> {
  const fresh = new Set(page.nodes.map(id));
  const last = shown.rows.findLastIndex((row) => fresh.has(id(row)));
  const beyond = last >= 0 && page.hasMore ? shown.rows.slice(last + 1) : [];
  return { rows: [...page.nodes, ...beyond], cursor: beyond.length > 0 ? shown.cursor : next(page) };
}

function next<T>(page: Page<T>): string | null {
  return page.hasMore ? page.endCursor : null;
}
