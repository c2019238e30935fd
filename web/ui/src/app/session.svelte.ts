// Who is signed in here, and the newest log position this browser has caused (so that it reads its own writes).

import { answered, Fault, request } from "$src/graphql/client";
import { MeQuery, SignOut, type Account } from "$src/graphql/documents";
import { resetSubscriptions } from "$src/graphql/subscribe";
import { laterPosition } from "$src/sync/positions";

class Session {
  me: Account | null = $state.raw(null);
  setUpNeeded = $state(false);
  fault: Fault | null = $state.raw(null);
  loaded = $state(false);
  /** Passed as `minPosition` on reads. */
  position: string | null = null;

  /** May put films in and choose them: everybody but guests. */
  get isMember(): boolean {
    return this.me !== null && this.me.role !== "GUEST";
  }

  async load(): Promise<void> {
    this.fault = null;
    try {
      const { me, setUpNeeded } = await request(MeQuery, {});
      this.me = me;
      this.setUpNeeded = setUpNeeded;
      this.loaded = true;
    } catch (cause) {
      this.fault = cause instanceof Fault ? cause : new Fault("server", null, String(cause));
    }
  }

  signedIn(account: Account, position: string | null): void {
    this.me = account;
    this.setUpNeeded = false;
    this.wrote(position);
    resetSubscriptions();
  }

  async signOut(): Promise<void> {
    answered((await request(SignOut, {})).signOut);
    this.me = null;
    resetSubscriptions();
  }

  /** Answers may come in another order than what they answer was written in. */
  wrote(position: string | null): void {
    this.position = laterPosition(this.position, position);
  }
}

export const session = new Session();
