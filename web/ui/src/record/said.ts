// Actions and notifications as sentences. Pure.

import { clock } from "$src/format";
import type { Action, Entry, Note } from "$src/graphql/record";
import { t } from "$src/i18n";
import { record } from "$src/i18n/record";

/** What was done, as a sentence. */
export function lineOf(action: Action): string {
  const actor = action.actor?.name || record.program;
  const key = `${action.kind}.${action.eventType}`;
  const line = record.lines[key]?.({
    actor,
    target: action.target ? action.target.name || t.app.unnamed : "",
    video: action.videoTitle ?? "",
    from: action.from ?? "",
    to: action.to ?? "",
    fromAt: action.fromUs === null ? "" : clock(action.fromUs),
    toAt: action.toUs === null ? "" : clock(action.toUs),
    own: action.actor === null,
  });
  const said = line ?? record.unknownLine(actor, action.eventType);
  return action.undoes === null ? said : record.took(said);
}

/** The name of an event type as words: `RoleGranted` is “role granted”. */
export function spoken(eventType: string): string {
  return eventType.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** A recorded event in words, as far as its row tells. */
export function entryLine(entry: Entry): string {
  return spoken(entry.eventType);
}

/** A notification as a sentence. */
export function noteLine(note: Note): string {
  const line = record.notes.lines[note.kind];
  if (!line) return record.notes.unknownLine;
  const { aChannel, aFilm } = record.notes;
  const right = note.kind.startsWith("right_") ? (note.detail ?? "").toUpperCase() : null;
  const permissions: Record<string, string> = t.channels.permissions;
  return line(
    note.actor?.name || t.app.unnamed,
    note.channelName ?? aChannel,
    (right && permissions[right]) ?? note.detail ?? "",
    note.videoTitle ?? aFilm,
  );
}

/** The name of a day: today, yesterday, else its date. */
export function dayOf(iso: string, now: Date): string {
  const start = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const day = new Date(iso);
  const days = Math.round((start(now) - start(day)) / 86_400_000);
  if (days === 0) return record.today;
  if (days === 1) return record.yesterday;
  return day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** Newest first, in groups of one day. */
export function byDay<T extends { at: string }>(items: readonly T[], now: Date): { day: string; items: T[] }[] {
  const groups: { day: string; items: T[] }[] = [];
  for (const item of items) {
    const day = dayOf(item.at, now);
    const last = groups.at(-1);
    if (last?.day === day) last.items.push(item);
    else groups.push({ day, items: [item] });
  }
  return groups;
}
