// What requests wait for. Fetched behind the page.

export const waits = {
  tooMany: (s: number) => `Too many requests. It goes on by itself in ${s} s.`,
  away: (s: number) => `The server cannot answer right now. It tries again by itself in ${s} s.`,
};
