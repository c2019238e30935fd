// One tab of a browser sends a film at a time: the others see that it is claimed, and a tab that closes claims nothing any
// more (Web Locks, https://www.w3.org/TR/web-locks/). Browsers have them on secure pages alone; on others nobody knows.

const name = (video: string): string => `lockstep-upload-${video}`;

/** Does the work with the film claimed. It never waits: whoever asked first goes on beside the other. */
export function claim<T>(video: string, work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  return navigator.locks.request(name(video), { mode: "shared" }, work) as Promise<T>;
}

/** Whether a tab of this browser is sending this film. */
export async function isClaimed(video: string): Promise<boolean> {
  if (!("locks" in navigator)) return false;
  const { held } = await navigator.locks.query();
  return held?.some((lock) => lock.name === name(video)) ?? false;
}
