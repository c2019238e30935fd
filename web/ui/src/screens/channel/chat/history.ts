// Reading messages over GraphQL for a room: the last ones, what changed since, older ones, those around one.

import { Fault, request } from "$src/graphql/client";
import { ChatChangesQuery, type ChatMessage, ChatPageQuery } from "$src/graphql/chat";
import type { Ask, History, RoomMessage } from "$src/sync/room";

/** Messages asked for at once. */
export const PAGE_MESSAGES = 25;
/** Pages of changes asked for before the last messages are read anew instead. */
const CHANGE_PAGES_MAX = 6;

export function toRoomMessage(read: ChatMessage): RoomMessage {
  const { replyTo, redacted } = read;
  return {
    id: read.id,
    author: read.author,
    text: read.text,
    sent_at: read.sentAt,
    playback_us: read.playbackUs,
    position: read.position,
    changed: read.changedPosition,
    delivery: "sent",
    edited: read.editedAt !== null,
    redacted: redacted === null ? null : { by: redacted.by, reason: redacted.reason },
    pinned: read.pinned,
    reactions: read.reactions,
    mentions: read.mentions,
    ...(replyTo === null
      ? {}
      : {
          reply_to: { id: replyTo.id, author: replyTo.author },
          quote: { text: replyTo.text, redacted: replyTo.redacted },
        }),
  };
}

export interface Page {
  readonly messages: RoomMessage[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** The last messages before a place or at the end; or those around one. `null`: there is no such message. */
export async function readPage(
  channel: string,
  place: { readonly before?: string | null; readonly around?: string; readonly min?: string | null },
): Promise<Page | null> {
  const answer = await request(ChatPageQuery, {
    channel,
    count: PAGE_MESSAGES,
    before: place.before ?? null,
    around: place.around ?? null,
    min: place.min ?? null,
  });
  const page = answer.messages;
  if (page === null) {
    if (place.around !== undefined) return null;
    throw new Fault("missing");
  }
  return { messages: page.nodes.map(toRoomMessage), hasOlder: page.hasMore, hasNewer: page.hasNewer };
}

/** What a room asks after a join; `onFirst` hears whether there are older ones when the last ones were read. */
export async function readHistory(channel: string, ask: Ask, onFirst: (hasOlder: boolean) => void): Promise<History> {
  const changed = ask.after === null ? null : await readChanges(channel, ask.after, ask.through);
  if (changed !== null) return { messages: changed, anew: false };
  const page = await readPage(channel, { min: ask.through });
  onFirst(page?.hasOlder ?? false);
  return { messages: page?.messages ?? [], anew: true };
}

async function readChanges(channel: string, after: string, through: string): Promise<RoomMessage[] | null> {
  const messages: RoomMessage[] = [];
  let from = after;
  for (let turn = 0; turn < CHANGE_PAGES_MAX; turn += 1) {
    const answer = await request(ChatChangesQuery, { channel, after: from, first: PAGE_MESSAGES, min: through });
    const page = answer.messagesChangedAfter;
    if (page === null) throw new Fault("missing");
    messages.push(...page.nodes.map(toRoomMessage));
    from = page.nodes.at(-1)?.changedPosition ?? from;
    if (!page.hasMore) return messages;
  }
  return null;
}
