// Roles from the fewest rights to the most. Pure.

import type { Role } from "$src/graphql/channels";

export const ROLES: readonly Role[] = ["VIEWER", "MODERATOR", "ADMIN", "OWNER"];

/** How much a role stands above the others; nobody is below a viewer. */
export function rank(role: Role): number {
  return ROLES.indexOf(role);
}

/** Roles that someone of this role may give: those below their own. */
export function below(role: Role | null | undefined): readonly Role[] {
  return role ? ROLES.slice(0, rank(role)) : [];
}
