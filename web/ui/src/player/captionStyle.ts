// How captions look on this device: a few choices with names, remembered; what is stored wrongly is the first choice.

export const SIZES = { small: 0.75, normal: 1, large: 1.5, huge: 2 } as const;
export const COLOURS = { white: "#fff", yellow: "#ffe14d", cyan: "#8ff0ff", green: "#8dff9a" } as const;
export const EDGES = {
  none: "none",
  outline: "0 0 2px #000, 1px 1px 1px #000, -1px -1px 1px #000, 1px -1px 1px #000, -1px 1px 1px #000",
  shadow: "2px 2px 4px #000",
} as const;
export const BACKS = { none: 0, light: 0.45, strong: 0.8, solid: 1 } as const;
export const PLACES = { bottom: "bottom", top: "top" } as const;

export interface CaptionStyle {
  readonly size: keyof typeof SIZES;
  readonly text: keyof typeof COLOURS;
  readonly edge: keyof typeof EDGES;
  readonly back: keyof typeof BACKS;
  readonly place: keyof typeof PLACES;
}

export const FIRST_STYLE: CaptionStyle = {
  size: "normal",
  text: "white",
  edge: "none",
  back: "strong",
  place: "bottom",
};
const CHOICES = { size: SIZES, text: COLOURS, edge: EDGES, back: BACKS, place: PLACES } as const;

/** A stored style; whatever is not one of the choices is left at the first. */
export function readStyle(stored: string | null): CaptionStyle {
  let told: Record<string, unknown> = {};
  try {
    const read: unknown = JSON.parse(stored ?? "{}");
    if (typeof read === "object" && read !== null) told = { ...read };
  } catch {
    // Not ours: the first choices.
  }
  const known = Object.entries(CHOICES).flatMap(([part, choices]) => {
    const choice = told[part];
    return typeof choice === "string" && Object.hasOwn(choices, choice) ? [[part, choice]] : [];
  });
  return { ...FIRST_STYLE, ...Object.fromEntries(known) };
}

/** As custom properties of the box that holds the words. */
export function cssOf(style: CaptionStyle): string {
  return [
    `--size: ${SIZES[style.size]}`,
    `--ink: ${COLOURS[style.text]}`,
    `--edge: ${EDGES[style.edge]}`,
    `--back: rgb(0 0 0 / ${BACKS[style.back]})`,
  ].join("; ");
}
