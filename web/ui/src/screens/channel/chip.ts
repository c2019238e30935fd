// What the sync chip says. Pure: from the player's state to a sign, a text and a kind; colour is never alone.

import { t } from "$src/i18n";
import type { PlayerState } from "$src/player/player";

export type ChipKind = "locked" | "catching" | "buffering" | "paused" | "off" | "idle";

export interface Chip {
  readonly kind: ChipKind;
  readonly sign: "●" | "◐" | "○";
  readonly text: string;
}

/** Above this a viewer sees the difference when two screens stand side by side. */
const LOCKED_US_MAX = 40_000;

/** The chip of this viewer; `online` is whether the channel's clock is being heard. */
export function chipOf(state: Pick<PlayerState, "phase" | "errorUs"> | null, online: boolean): Chip {
  if (!online) return { kind: "off", sign: "○", text: t.sync.off };
  switch (state?.phase) {
    case "following":
      return following(state.errorUs);
    case "aiming":
      return { kind: "catching", sign: "◐", text: t.sync.catching };
    case "behind":
      return { kind: "catching", sign: "◐", text: behind(state.errorUs) };
    case "held":
    case "ended":
      return { kind: "paused", sign: "●", text: t.sync.paused };
    case "blocked":
      return { kind: "idle", sign: "○", text: t.people.states.blocked };
    case "loading":
    case "buffering":
      return { kind: "buffering", sign: "○", text: t.sync.buffering };
    default:
      return { kind: "idle", sign: "○", text: t.sync.waiting };
  }
}

function following(errorUs: number | null): Chip {
  if (errorUs === null) return { kind: "catching", sign: "◐", text: t.sync.catching };
  const ms = `${Math.round(Math.abs(errorUs) / 1_000)} ms`;
  if (Math.abs(errorUs) <= LOCKED_US_MAX) return { kind: "locked", sign: "●", text: ms };
  return { kind: "catching", sign: "◐", text: `${ms} ${t.sync.catching}` };
}

function behind(errorUs: number | null): string {
  return errorUs === null ? t.sync.catching : t.sync.behind((Math.abs(errorUs) / 1_000_000).toFixed(1));
}
