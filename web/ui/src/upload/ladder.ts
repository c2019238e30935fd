// What is known of one film on its way from file to stream: a pure reducer over its status events.

import type { Rendition, Video, VideoStatusEvent } from "$src/graphql/documents";

/** How many steps are kept: the server replays as many to a late subscriber. */
export const STEPS_MAX = 20;

export interface Step {
  readonly position: string;
  readonly eventType: string;
  readonly detail: string;
  readonly at: string;
}

export interface Ladder {
  readonly video: Video | null;
  /** Oldest first; consecutive progress reports are one step. */
  readonly steps: readonly Step[];
  /** The last event applied. */
  readonly position: string | null;
}

export const emptyLadder: Ladder = { video: null, steps: [], position: null };

/** Applies one event. After a reconnect the server sends the last ones again: those known already change nothing. */
export function apply(ladder: Ladder, event: VideoStatusEvent): Ladder {
  if (ladder.steps.some((step) => step.position === event.position) || ladder.position === event.position) {
    return { ...ladder, video: newer(ladder.video, event.video) };
  }
  const step = { position: event.position, eventType: event.eventType, detail: event.detail, at: event.at };
  const last = ladder.steps.at(-1);
  const kept =
    last && last.eventType === PROGRESSED && step.eventType === PROGRESSED ? ladder.steps.slice(0, -1) : ladder.steps;
  return {
    // A film that failed is tried again at its owner's word.
    video: ladder.video?.status === "FAILED" ? event.video : newer(ladder.video, event.video),
    steps: [...kept, step].slice(-STEPS_MAX),
    position: event.position,
  };
}

const PROGRESSED = "TranscodeProgressed";

/** A replayed event may carry an older picture of the film: progress never runs backwards on the screen. */
function newer(known: Video | null, video: Video): Video {
  if (!known || isOver(video)) return video;
  if (isOver(known)) return known;
  return video.percent < known.percent ? { ...video, percent: known.percent } : video;
}

/** Nothing more will happen to this film. */
export function isOver(video: Pick<Video, "status">): boolean {
  return ["READY", "FAILED", "REJECTED", "ABORTED"].includes(video.status);
}

/** The picture sizes of a film, tallest first, without the sound. */
export function rungs(renditions: readonly Rendition[]): Rendition[] {
  return renditions.filter((rendition) => rendition.height > 0).sort((a, b) => b.height - a.height);
}
