// Sessions into people: one row a person, however many windows they have open. Pure.

import type { ChannelRole, Device, Member, ViewerState } from "$src/sync/protocol";

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: ChannelRole;
  readonly windows: number;
  /** What the window with this state is on. */
  readonly device: Device;
  readonly state: ViewerState;
  /** The largest sync error among their windows, signed; null when unknown. */
  readonly errorUs: number | null;
}

const RANK: Record<ChannelRole, number> = { owner: 0, admin: 1, moderator: 2, viewer: 3 };
/** Whoever has one window that plays, plays. */
const STATES: readonly ViewerState[] = ["playing", "buffering", "paused", "blocked", "hidden", "away"];

/** People by role, then by name; this viewer first. */
export function peopleOf(members: readonly Member[], me: string | null): Person[] {
  const windows = new Map<string, Member[]>();
  for (const member of members) windows.set(member.account.id, [...(windows.get(member.account.id) ?? []), member]);
  return [...windows.values()].flatMap(toPerson).sort((a, b) => order(a, b, me));
}

function toPerson(sessions: readonly Member[]): Person[] {
  const [first] = sessions;
  if (!first) return [];
  const errors = sessions.flatMap(({ error_us }) => (error_us === null ? [] : [error_us]));
  const worst = errors.reduce<number | null>(
    (found, error) => (found === null || Math.abs(error) > Math.abs(found) ? error : found),
    null,
  );
  const rank = (member: Member): number => STATES.indexOf(member.state);
  const best = sessions.reduce((found, member) => (rank(member) < rank(found) ? member : found), first);
  return [
    {
      id: first.account.id,
      name: first.account.name,
      role: first.role,
      windows: sessions.length,
      device: best.device,
      state: best.state,
      errorUs: worst,
    },
  ];
}

function order(a: Person, b: Person, me: string | null): number {
  if (a.id === me || b.id === me) return a.id === b.id ? 0 : a.id === me ? -1 : 1;
  return RANK[a.role] - RANK[b.role] || a.name.localeCompare(b.name);
}
