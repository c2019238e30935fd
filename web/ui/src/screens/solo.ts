// Where a film watched alone was left, in this browser.

/** The name of the stored place of a film. */
export function soloPlace(film: string): string {
  return `solo.${film}`;
}
