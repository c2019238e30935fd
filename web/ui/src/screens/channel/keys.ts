// Which key does what in a channel (YouTube's set). Pure: from a key to an action.

export type Action =
  | { do: "toggle" }
  | { do: "skip"; seconds: number }
  | { do: "jump"; share: number }
  | { do: "faster"; step: 1 | -1 }
  | { do: "next" }
  | { do: "chapter"; step: 1 | -1 }
  | { do: "mute" }
  | { do: "volume"; step: number }
  | { do: "fullscreen" }
  | { do: "theatre" }
  | { do: "pip" }
  | { do: "frame"; step: 1 | -1 }
  | { do: "captions" }
  | { do: "stats" }
  | { do: "chat" }
  | { do: "help" };

export interface Key {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** The shared ones need the channel's consent; the others concern this viewer only. */
export function isShared(action: Action): boolean {
  return ["toggle", "skip", "jump", "faster", "next", "frame", "chapter"].includes(action.do);
}

const VOLUME_STEP = 0.05;

const NAMED: Record<string, Action> = {
  " ": { do: "toggle" },
  ArrowLeft: { do: "skip", seconds: -5 },
  ArrowRight: { do: "skip", seconds: 5 },
  ArrowUp: { do: "volume", step: VOLUME_STEP },
  ArrowDown: { do: "volume", step: -VOLUME_STEP },
  Home: { do: "jump", share: 0 },
  End: { do: "jump", share: 1 },
  Enter: { do: "chat" },
  "/": { do: "chat" },
  ",": { do: "frame", step: -1 },
  ".": { do: "frame", step: 1 },
  ">": { do: "faster", step: 1 },
  "<": { do: "faster", step: -1 },
  "?": { do: "help" },
};

const WITH_CTRL: Record<string, Action> = {
  ArrowLeft: { do: "chapter", step: -1 },
  ArrowRight: { do: "chapter", step: 1 },
};

const LETTERS: Record<string, Action> = {
  c: { do: "captions" },
  k: { do: "toggle" },
  j: { do: "skip", seconds: -10 },
  l: { do: "skip", seconds: 10 },
  m: { do: "mute" },
  f: { do: "fullscreen" },
  t: { do: "theatre" },
  p: { do: "pip" },
  s: { do: "stats" },
};

/** The action of a key, or null. On a keyboard without Latin letters the key's place counts. */
export function actionOf(event: Key): Action | null {
  if (event.altKey || event.metaKey) return null;
  if (event.ctrlKey) return event.shiftKey ? null : (WITH_CTRL[event.key] ?? null);
  const named = NAMED[event.key];
  if (named) return named;
  if (event.shiftKey) return letter(event) === "n" ? { do: "next" } : null;
  if (/^[0-9]$/.test(event.key)) return { do: "jump", share: Number(event.key) / 10 };
  return LETTERS[letter(event)] ?? null;
}

function letter({ key, code }: Key): string {
  const latin = /^[a-z]$/i.test(key) || key.length > 1 || key.charCodeAt(0) < 128;
  return (latin ? key : (/^Key([A-Z])$/.exec(code)?.[1] ?? "")).toLowerCase();
}
