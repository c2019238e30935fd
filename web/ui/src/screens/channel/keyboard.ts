// Where a key of the player means something else: fields, layers, and buttons that Space and Enter press.

export function isElsewhere(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("input:not([type=range]), textarea, select, [contenteditable], [role=group] [role=radiogroup]"))
    return true;
  if ((event.key === " " || event.key === "Enter") && target?.closest("button, a, summary, [role=tab], input"))
    return true;
  return event.key.startsWith("Arrow") && target?.closest("[role=log], [role=tablist], input, ol, ul") != null;
}
