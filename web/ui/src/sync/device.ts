// What this viewer watches on, from what the browser says of itself: pure but for `thisDevice`.

import type { Device } from "./protocol";

/** What a browser tells. */
export interface Traits {
  readonly agent: string;
  /** Whether the main pointer is a finger. */
  readonly coarse: boolean;
  /** The shorter side of the screen, CSS pixels. */
  readonly side: number;
}

/** Screens with a shorter side than this are held in one hand. */
const PHONE_SIDE_MAX = 600;
const TV = /\b(Smart-?TV|SMART-TV|Tizen|Web0S|BRAVIA|AppleTV|GoogleTV|CrKey|AFT[A-Z]|HbbTV)\b/i;

export function deviceOf({ agent, coarse, side }: Traits): Device {
  if (TV.test(agent)) return "tv";
  if (!coarse) return "desktop";
  return side < PHONE_SIDE_MAX ? "phone" : "tablet";
}

export function thisDevice(): Device {
  if (typeof window === "undefined" || typeof matchMedia === "undefined") return "desktop";
  const side = Math.min(screen.width, screen.height);
  return deviceOf({ agent: navigator.userAgent, coarse: matchMedia("(pointer: coarse)").matches, side });
}
