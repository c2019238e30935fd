// Small choices of this browser. Where storage is refused they last until the page is closed.

const memory = new Map<string, string>();

/** A stored choice, or null. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`lockstep.${key}`) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

/** Stores a choice. */
export function remember(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(`lockstep.${key}`, value);
  } catch {
    // Kept in memory only.
  }
}
