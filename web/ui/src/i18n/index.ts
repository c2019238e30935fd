// The words on the screen. `en` is the type every other language has to meet; one language is loaded at a time.

import { en } from "./en";

export type Dictionary = typeof en;

/** The dictionary in use. */
export const t: Dictionary = en;
