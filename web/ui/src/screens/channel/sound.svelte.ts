// How loud this viewer hears a film, remembered on the device.
import { recall, remember } from "$src/app/settings";

export class Sound {
  /** 0 to 1. */
  volume = $state(Number(recall("volume") ?? 1));
  muted = $state(recall("muted") === "true");
  private video: HTMLVideoElement | undefined;
  private onunmute: () => void = () => undefined;

  /** The element that plays, and what else is to be done when sound is wanted. */
  attach(video: HTMLVideoElement, onunmute: () => void): void {
    [this.video, this.onunmute] = [video, onunmute];
    video.volume = this.volume;
    video.muted = this.muted;
  }

  setVolume(next: number): void {
    if (!this.video) return;
    if (next <= 0) return void (this.video.muted = true);
    this.video.volume = Math.round(Math.min(1, Math.max(0, next)) * 100) / 100;
    this.unmute();
  }

  /** By so much of the whole, from silence where it is muted. */
  change(by: number): void {
    this.setVolume((this.video?.muted ? 0 : this.volume) + by);
  }

  unmute(): void {
    if (!this.video) return;
    this.video.muted = false;
    this.onunmute();
  }

  toggleMute(): void {
    if (!this.video) return;
    if (this.video.muted) this.unmute();
    else this.video.muted = true;
  }

  /** The element has changed; `blocked`: the browser refuses sound, which is no choice of the viewer. */
  heard(blocked: boolean): void {
    if (!this.video) return;
    this.volume = this.video.volume;
    this.muted = this.video.muted;
    remember("volume", String(this.volume));
    if (!blocked) remember("muted", String(this.muted));
  }
}
