// A channel's address made of its name. Pure.

const CHARS_MIN = 3;
const CHARS_MAX = 60;

/** For example “Filmabend für alle!” → `filmabend-fur-alle`; null when too little of the name can be an address. */
export function slugOf(name: string): string | null {
  const slug = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, CHARS_MAX)
    .replace(/^-+|-+$/g, "");
  return slug.length >= CHARS_MIN ? slug : null;
}
