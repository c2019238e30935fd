// Positions of the log are opaque except for their order: shorter first, then as text, which orders decimal numbers.

/** Below zero: `a` is before `b`. */
export function comparePositions(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** The later of two; one that is not known is before all. */
export function laterPosition(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return comparePositions(a, b) >= 0 ? a : b;
}
