// What somebody does to a message, with refusals in words.

import { refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { answered, request } from "$src/graphql/client";
import {
  EditMessage,
  PinMessage,
  ReactToMessage,
  RedactMessage,
  ReportMessage,
  UnpinMessage,
} from "$src/graphql/chatActs";
import { newId } from "$src/sync/ids";

interface Answer {
  readonly __typename: string;
  readonly position?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Tells a refusal; whether it was done. Throws a `Fault`. */
async function done(ask: () => Promise<Answer | null | undefined>): Promise<boolean> {
  const answer = answered(await ask());
  if (answer.__typename !== "Refused") {
    session.wrote(answer.position ?? null);
    return true;
  }
  toasts.show(refusal({ code: answer.code ?? "", message: answer.message ?? "" }), "bad");
  return false;
}

const op = (): { operationId: string } => ({ operationId: newId() });

export const edit = (message: string, text: string): Promise<boolean> =>
  done(async () => (await request(EditMessage, { input: { ...op(), message, text } })).editMessage);

export const redact = (message: string, reason: string | null): Promise<boolean> =>
  done(async () => (await request(RedactMessage, { input: { ...op(), message, reason } })).redactMessage);

export const react = (message: string, emoji: string, on: boolean): Promise<boolean> =>
  done(async () => (await request(ReactToMessage, { input: { ...op(), message, emoji, on } })).reactToMessage);

export const pin = (message: string, on: boolean): Promise<boolean> =>
  done(async () =>
    on
      ? (await request(PinMessage, { input: { ...op(), message } })).pinMessage
      : (await request(UnpinMessage, { input: { ...op(), message } })).unpinMessage,
  );

export const report = (message: string, reason: string): Promise<boolean> =>
  done(async () => (await request(ReportMessage, { input: { ...op(), message, reason } })).reportMessage);
