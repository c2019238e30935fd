// A value that can be watched, after the Svelte store contract, without Svelte.

export interface Readable<T> {
  /** Calls `run` at once and at every change; returns the unsubscriber. */
  subscribe(run: (value: T) => void): () => void;
}

export interface Store<T> extends Readable<T> {
  get(): T;
  set(value: T): void;
  /** Changes some fields; nothing is told when none differs. */
  patch(change: Partial<T>): void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let value = initial;
  const watchers = new Set<(value: T) => void>();
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const watcher of [...watchers]) watcher(value);
  };
  return {
    get: () => value,
    set,
    patch(change) {
      const keys = Object.keys(change) as (keyof T)[];
      if (keys.some((key) => !Object.is(change[key], value[key]))) set({ ...value, ...change });
    },
    subscribe(run) {
      watchers.add(run);
      run(value);
      return () => {
        watchers.delete(run);
      };
    },
  };
}
