// Figures as people read them. Pure; words come from the dictionary, numbers from Intl.

import { t } from "./i18n";

const US_PER_S = 1_000_000;
const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** A film time: `12:03`, or `1:02:03` from one hour on. */
export function clock(us: number): string {
  const total = Math.max(0, Math.floor(us / US_PER_S));
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = String(total % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** A film time for ears: `12 minutes 3 seconds`. */
export function spoken(us: number): string {
  const total = Math.max(0, Math.floor(us / US_PER_S));
  const parts: string[] = [];
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = total % 60;
  if (hours > 0) parts.push(t.time.hours(hours));
  if (minutes > 0) parts.push(t.time.minutes(minutes));
  if (seconds > 0 || parts.length === 0) parts.push(t.time.seconds(seconds));
  return parts.join(" ");
}

/** `1.2 GB`, decimal units as the makers of disks count. */
export function bytes(count: number): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `8.4 MB/s`. */
export function speed(bytesPerS: number): string {
  return `${bytes(bytesPerS)}/s`;
}

/** `2 min left`, coarse on purpose. */
export function left(seconds: number): string {
  if (seconds < 1.5) return t.time.almost;
  if (seconds < 59.5) return t.time.secondsLeft(Math.round(seconds));
  if (seconds < 3_570) return t.time.minutesLeft(Math.round(seconds / 60));
  return t.time.hoursLeft(Math.round(seconds / 360) / 10);
}

/** A sync error in whole milliseconds with its sign: `+6 ms`, `−12 ms`, `0 ms`. */
export function errorMs(us: number): string {
  const ms = Math.round(us / 1_000);
  if (ms === 0) return "0 ms";
  return `${ms > 0 ? "+" : "−"}${Math.abs(ms)} ms`;
}

/** `14:03` in the reader's own clock. */
export function timeOfDay(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Date and time, for a tooltip. */
export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

/** `3 minutes ago`, `yesterday`. */
export function ago(iso: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1_000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 45) return t.time.justNow;
  if (size < 3_570) return format.format(Math.round(seconds / 60), "minute");
  if (size < 84_600) return format.format(Math.round(seconds / 3_600), "hour");
  return format.format(Math.round(seconds / 86_400), "day");
}
