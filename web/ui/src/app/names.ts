// A friendly name for a guest who has not thought of one. Pure: chance is an argument.

const FIRST = [
  "Amber",
  "Breezy",
  "Clever",
  "Dapper",
  "Gentle",
  "Happy",
  "Jolly",
  "Lucky",
  "Merry",
  "Mellow",
  "Quiet",
  "Sunny",
  "Swift",
  "Velvet",
  "Witty",
];
const SECOND = [
  "Badger",
  "Comet",
  "Dolphin",
  "Falcon",
  "Fox",
  "Heron",
  "Lantern",
  "Lynx",
  "Maple",
  "Otter",
  "Panda",
  "Pebble",
  "Robin",
  "Sparrow",
  "Walrus",
];

/** For example “Quiet Otter”; `random` gives numbers in 0..1. */
export function friendlyName(random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? "Guest";
  return `${pick(FIRST)} ${pick(SECOND)}`;
}
