// How a file is divided, and what of it is missing. Pure; the division itself is the server's word.

export interface Plan {
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly parts: number;
}

/** First byte and the byte after the last of part `number`, counted from 1. */
export function range(plan: Plan, number: number): { start: number; end: number } {
  const start = (number - 1) * plan.partBytes;
  return { start, end: Math.min(plan.sizeBytes, start + plan.partBytes) };
}

export function lengthOf(plan: Plan, number: number): number {
  const { start, end } = range(plan, number);
  return end - start;
}

/** Numbers of the parts that are still to be sent, in order. */
export function missing(plan: Plan, received: Iterable<number>): number[] {
  const there = new Set(received);
  return Array.from({ length: plan.parts }, (_, index) => index + 1).filter((number) => !there.has(number));
}

/** Bytes of these parts. */
export function bytesOf(plan: Plan, numbers: Iterable<number>): number {
  let bytes = 0;
  for (const number of new Set(numbers)) bytes += lengthOf(plan, number);
  return bytes;
}

/** Most squares of a part map; with more parts, one square stands for several. */
export const SQUARES_MAX = 96;

/** The part map: for each square how much of it has been sent, 0 to 1. `share` is how much of a part has been sent. */
export function squares(plan: Plan, share: (number: number) => number): number[] {
  const count = Math.min(plan.parts, SQUARES_MAX);
  const sums = new Array<number>(count).fill(0);
  const sizes = new Array<number>(count).fill(0);
  for (let number = 1; number <= plan.parts; number += 1) {
    const square = Math.floor(((number - 1) * count) / plan.parts);
    sums[square] = (sums[square] ?? 0) + share(number);
    sizes[square] = (sizes[square] ?? 0) + 1;
  }
  return sums.map((sum, square) => sum / (sizes[square] ?? 1));
}
