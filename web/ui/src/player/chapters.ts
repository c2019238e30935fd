// The chapters of a film: which one a time is in, and where the next and the one before begin. Pure.

export interface Chapter {
  readonly startUs: number;
  /** May be empty. */
  readonly title: string;
}

/** Going back this soon after a chapter began means the one before it. */
export const AGAIN_US = 2_000_000;

/** The place in the list of the chapter that this time is in; -1 without chapters. */
export function chapterAt(chapters: readonly Chapter[], us: number): number {
  return chapters.findLastIndex((chapter) => chapter.startUs <= us);
}

/** Where the next chapter begins, or this one, or the one before; `null` where there is none. */
export function chapterStep(chapters: readonly Chapter[], us: number, step: 1 | -1): number | null {
  const now = chapterAt(chapters, us);
  if (now < 0) return null;
  const begun = chapters[now]?.startUs ?? 0;
  const to = step === 1 ? now + 1 : us - begun < AGAIN_US ? Math.max(0, now - 1) : now;
  return chapters[to]?.startUs ?? null;
}
