// What a device does around a film: its media keys and lock screen, a screen that stays on, picture in picture.

/** What the keys of headsets and lock screens ask for: the channel, like every other button. */
export interface MediaKeys {
  readonly title: string;
  readonly picture: string | null;
  play(): void;
  pause(): void;
  skip(seconds: number): void;
}

const SKIP_S = 10;

/** Takes the device's media keys; returns how to give them back. */
export function takeMediaKeys(keys: MediaKeys): () => void {
  if (!("mediaSession" in navigator)) return () => undefined;
  const { mediaSession } = navigator;
  const artwork = keys.picture === null ? [] : [{ src: new URL(keys.picture, location.href).href }];
  mediaSession.metadata = new MediaMetadata({ title: keys.title, artwork });
  const actions: [MediaSessionAction, () => void][] = [
    ["play", () => keys.play()],
    ["pause", () => keys.pause()],
    ["seekbackward", () => keys.skip(-SKIP_S)],
    ["seekforward", () => keys.skip(SKIP_S)],
  ];
  for (const [action, run] of actions) mediaSession.setActionHandler(action, run);
  return () => {
    for (const [action] of actions) mediaSession.setActionHandler(action, null);
    mediaSession.metadata = null;
  };
}

/** Keeps the screen on until the returned function is called; a page that was hidden asks again when it is seen. */
export function keepAwake(): () => void {
  if (!("wakeLock" in navigator)) return () => undefined;
  let lock: Promise<WakeLockSentinel | null> = Promise.resolve(null);
  const ask = (): void => {
    if (document.visibilityState === "visible") lock = navigator.wakeLock.request("screen").catch(() => null);
  };
  ask();
  document.addEventListener("visibilitychange", ask);
  return () => {
    document.removeEventListener("visibilitychange", ask);
    void lock.then((held) => held?.release());
  };
}

/** Into picture in picture, or back out of it. */
export async function togglePip(video: HTMLVideoElement): Promise<void> {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  // Not every browser has it, and one may refuse.
  await video.requestPictureInPicture?.().catch(() => undefined);
}

/** What fills the screen, or the film alone where a phone can do no more; or back out of it. */
export async function toggleFullscreen(screen: HTMLElement | undefined, video: HTMLVideoElement): Promise<void> {
  if (document.fullscreenElement) return document.exitFullscreen();
  const old = video as HTMLVideoElement & { webkitEnterFullscreen?: () => void };
  if (screen?.requestFullscreen) await screen.requestFullscreen().catch(() => undefined);
  else old.webkitEnterFullscreen?.();
}
