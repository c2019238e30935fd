// Short messages at the edge of the screen: at most three, four seconds each, held while looked at.

const TOASTS_MAX = 3;
const LIFE_MS = 4_000;

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "good" | "bad";
  /** Something to do about it, for as long as it is shown. */
  readonly action: ToastAction | null;
}

export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
  readonly lifeMs: number;
  /** A newer offer of the same kind takes the place of an older one. */
  readonly kind: string;
}

class Toasts {
  list: Toast[] = $state([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(text: string, tone: Toast["tone"] = "plain", action: ToastAction | null = null): void {
    const same = (toast: Toast): boolean =>
      toast.text === text || (action && toast.action?.kind === action.kind) === true;
    for (const old of this.list.filter(same)) this.dismiss(old.id);
    const toast = { id: this.#next++, text, tone, action };
    this.list.push(toast);
    for (const old of this.list.slice(0, -TOASTS_MAX)) this.dismiss(old.id);
    this.release(toast.id);
  }

  dismiss(id: number): void {
    this.hold(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  release(id: number): void {
    this.hold(id);
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), this.list.find((toast) => toast.id === id)?.action?.lifeMs ?? LIFE_MS),
    );
  }
}

export const toasts = new Toasts();
