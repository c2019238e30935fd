import { expect, test } from "vitest";
import { longer, refreshed, type Page, type Shown } from "./paging";

const same = (row: string): string => row;
const page = (rows: string, hasMore = true): Page<string> => ({
  nodes: [...rows],
  hasMore,
  endCursor: rows.at(-1) ?? null,
});
const shown = (rows: string, cursor: string | null = rows.at(-1) ?? null): Shown<string> => ({
  rows: [...rows],
  cursor,
});

test("a page more is put behind, and what moved into it is shown once", () => {
  expect(longer(shown("abc"), page("de"), same)).toEqual(shown("abcde"));
  expect(longer(shown("abc"), page("cd", false), same)).toEqual(shown("abcd", null));
});

test("reading again keeps what was loaded beyond it, with its cursor", () => {
  expect(refreshed(shown("abcde"), page("abc"), same)).toEqual(shown("abcde"));
  // One came: it is the first, and the third goes on being shown.
  expect(refreshed(shown("abcde"), page("xab"), same)).toEqual(shown("xabcde"));
  // One of them went away: what comes after it moves up.
  expect(refreshed(shown("abcde"), page("acd"), same)).toEqual(shown("acde"));
});

test("the list ends where there is no more, and begins anew where nothing of it is left", () => {
  expect(refreshed(shown("abcde"), page("abc", false), same)).toEqual(shown("abc", null));
  expect(refreshed(shown("abcde"), page("xyz"), same)).toEqual(shown("xyz"));
  expect(refreshed(shown("", null), page("ab"), same)).toEqual(shown("ab"));
});
