// How far a viewer has heard the log, over cuts: what to ask for after a join, and when that is answered.
//
// A gap is closed only when the read side has answered for the whole of it. Until then a further cut asks again from
// the same place, whatever was heard live meanwhile.

import { laterPosition as later } from "./positions";

export interface Ask {
  /** The last position known without a gap; `null` when nothing is. */
  readonly after: string | null;
  /** From here on the hub tells everything itself. */
  readonly through: string;
}

export class CatchUp {
  /** Everything up to here is known. */
  private seen: string | null = null;
  /** The last position heard live since the last join. */
  private live: string | null = null;
  private open: Ask | null = null;

  /**
   * A join at this position; what to ask for. `resumed`: the hub itself sends all that came after what it last sent,
   * so only a gap that was open before is left to ask for.
   */
  joined(through: string, resumed: boolean): Ask | null {
    this.live = null;
    if (resumed && this.open === null) return null;
    this.open = { after: this.seen, through };
    return this.open;
  }

  /** Something was heard live. */
  heard(position: string): void {
    this.live = position;
    if (this.open === null) this.seen = later(this.seen, position);
  }

  /** The answer to what was asked is in; one to an older join closes nothing. */
  answered(ask: Ask): void {
    if (this.open !== ask) return;
    this.open = null;
    this.seen = later(later(this.seen, ask.through), this.live);
  }

  /** Whether this is still what is to be asked. */
  isOpen(ask: Ask): boolean {
    return this.open === ask;
  }
}
