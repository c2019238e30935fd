// A size of the picture that is wanted at once.
//
// After the engine has thrown away what was buffered and fetched the new size, a browser goes on with what it has
// decoded and paints the new size from its next key frame on, which may be seconds away. If that key frame is near,
// nothing is seen of the change; if not, the picture is taken anew, which costs a moment of standing still.

import type { Timers } from "../sync/timers";

/** A key frame within this is waited for. */
export const KEY_FRAME_MS = 600;
/** What is fetched is looked at this often. */
export const LOOK_MS = 50;
/** How far ahead of the picture must be fetched before it is taken anew. */
export const AHEAD_S = 1;
/** The picture is taken anew at most this often for one wish, and not sooner than this after the last time. */
export const RENEWALS_MAX = 3;
export const RENEWAL_MS = 700;
/** A wish that was not fulfilled in this time is left to the engine. */
export const PATIENCE_MS = 20_000;

/** What is asked of a video element. */
export type Picture = Pick<HTMLVideoElement, "videoHeight" | "currentTime" | "buffered"> & {
  addEventListener(name: "resize", run: () => void): void;
  removeEventListener(name: "resize", run: () => void): void;
};

export class SizeSwitch {
  private readonly picture: Picture;
  private readonly timers: Timers;
  private readonly renew: () => void;
  private cancel: () => void = () => undefined;
  private waitedMs = 0;
  private nextRenewalMs = 0;
  private renewals = 0;
  private readonly done = (): void => this.stop();

  constructor(picture: Picture, timers: Timers, renew: () => void) {
    this.picture = picture;
    this.timers = timers;
    this.renew = renew;
  }

  /** Sees to it that a picture of this height comes soon; a later wish takes the place of an earlier one. */
  want(height: number): void {
    this.stop();
    if (this.picture.videoHeight === height) return;
    this.waitedMs = 0;
    this.renewals = 0;
    this.nextRenewalMs = 0;
    this.picture.addEventListener("resize", this.done);
    this.wait(KEY_FRAME_MS);
  }

  stop(): void {
    this.cancel();
    this.cancel = () => undefined;
    this.picture.removeEventListener("resize", this.done);
  }

  private wait(ms: number): void {
    this.cancel = this.timers.after(ms, () => {
      this.waitedMs += ms;
      this.look();
    });
  }

  private look(): void {
    if (this.waitedMs >= PATIENCE_MS || this.renewals >= RENEWALS_MAX) return this.stop();
    if (this.waitedMs >= this.nextRenewalMs && this.isFetched()) {
      this.renewals += 1;
      this.nextRenewalMs = this.waitedMs + RENEWAL_MS;
      this.renew();
    }
    this.wait(LOOK_MS);
  }

  /** Whether the film can be shown from here on. Nothing of the size before is left: the engine threw it away. */
  private isFetched(): boolean {
    const { buffered, currentTime } = this.picture;
    for (let n = 0; n < buffered.length; n += 1) {
      if (buffered.start(n) <= currentTime && buffered.end(n) >= currentTime + AHEAD_S) return true;
    }
    return false;
  }
}
