// The words for who is here and who is writing.

export const presence = {
  devices: { phone: "on a phone", tablet: "on a tablet", desktop: "on a computer", tv: "on a television" },
  away: "reconnecting",
  more: (count: number) => `and ${count.toLocaleString("en")} more`,
  /** `names`: at most three; `count`: everybody who types. */
  typing(names: readonly string[], count: number): string {
    const [first, second, third] = names;
    if (first === undefined) return "";
    if (second === undefined) return count > 1 ? `${first} and ${others(count - 1)} are typing` : `${first} is typing`;
    if (count === 2) return `${first} and ${second} are typing`;
    if (count === 3 && third !== undefined) return `${first}, ${second} and ${third} are typing`;
    return `${first}, ${second} and ${others(count - 2)} are typing`;
  },
} as const;

const others = (count: number): string => (count === 1 ? "one other" : `${count.toLocaleString("en")} others`);
