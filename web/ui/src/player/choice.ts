// Which of several tracks a viewer hears or reads: chosen once, remembered by language for the next film.

export interface Track {
  readonly language: string | null;
  readonly name: string;
}

/** What is remembered of a chosen track. */
export function tagOf(track: Track): string {
  return `${track.language ?? ""}|${track.name}`;
}

/** The track that was meant: the same name in the same language, else the first of that language. */
export function remembered<T extends Track>(tracks: readonly T[], tag: string | null): T | null {
  if (tag === null || tag === "off") return null;
  const language = tag.slice(0, tag.indexOf("|"));
  const same = tracks.find((track) => tagOf(track) === tag);
  return same ?? (language === "" ? null : (tracks.find((track) => track.language === language) ?? null));
}
