// Which address means which screen. Pure: from a URL to a route and back.

export type Route =
  | { name: "home" }
  | { name: "setUp"; token: string | null }
  | { name: "signIn"; next: string; problem: string | null }
  | { name: "chooseName"; suggested: string }
  | { name: "register"; token: string | null }
  | { name: "reset"; token: string | null }
  | { name: "account"; problem: string | null }
  | { name: "admin" }
  | { name: "channel"; slug: string }
  | { name: "invite"; code: string }
  | { name: "status" }
  | { name: "notifications" }
  | { name: "audit" }
  | { name: "channelAudit"; slug: string }
  | { name: "library" }
  | { name: "film"; id: string }
  | { name: "notFound"; path: string };

/** Finds the route of a URL; an unknown path is `notFound`, never an error. */
export function match(url: URL): Route {
  const path = url.pathname.replace(/\/+$/, "") || "/";
  if (path === "/") return { name: "home" };
  if (path === "/setup") return { name: "setUp", token: url.searchParams.get("token") };
  const problem = url.searchParams.get("problem");
  if (path === "/sign-in") return { name: "signIn", next: localPath(url.searchParams.get("next")), problem };
  // After the #, where no server sees it.
  if (path === "/sign-in/name") return { name: "chooseName", suggested: decoded(url.hash.slice(1)) ?? "" };
  if (path === "/register") return { name: "register", token: url.searchParams.get("token") };
  if (path === "/reset") return { name: "reset", token: url.searchParams.get("token") };
  if (path === "/account") return { name: "account", problem };
  if (path === "/admin") return { name: "admin" };
  if (path === "/status") return { name: "status" };
  if (path === "/notifications") return { name: "notifications" };
  if (path === "/admin/audit") return { name: "audit" };
  if (path === "/library") return { name: "library" };
  const film = /^\/film\/([0-9a-f-]{36})$/.exec(path)?.[1];
  if (film !== undefined) return { name: "film", id: film };
  const code = /^\/i\/([0-9A-Za-z-]+)$/.exec(path)?.[1];
  if (code !== undefined) return { name: "invite", code };
  const audited = /^\/c\/([^/]+)\/audit$/.exec(path)?.[1];
  const of = audited === undefined ? null : decoded(audited);
  if (of) return { name: "channelAudit", slug: of };
  const slug = /^\/c\/([^/]+)$/.exec(path)?.[1];
  const name = slug === undefined ? null : decoded(slug);
  return name ? { name: "channel", slug: name } : { name: "notFound", path };
}

export function channelPath(slug: string): string {
  return `/c/${encodeURIComponent(slug)}`;
}

export function channelAuditPath(slug: string): string {
  return `${channelPath(slug)}/audit`;
}

export function invitePath(code: string): string {
  return `/i/${encodeURIComponent(code)}`;
}

export function filmPath(id: string): string {
  return `/film/${id}`;
}

export function signInPath(next: string): string {
  return next === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(next)}`;
}

/** Only a path of this site is a place to go on to: `//evil.example` and `/\evil.example` are not. */
export function localPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
