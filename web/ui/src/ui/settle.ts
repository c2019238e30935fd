// Controls that show what holds, not what was asked for: a refused change leaves the old value in place, which Svelte sees no
// reason to set again.

/** Waits for the answer, then puts back what `holds`: of a checkbox whether it is checked, else the value. */
export async function settle(
  control: HTMLInputElement | HTMLSelectElement,
  asked: Promise<unknown>,
  holds: () => string | boolean,
): Promise<void> {
  await asked;
  const value = holds();
  if (control instanceof HTMLSelectElement) control.value = String(value);
  else if (control.type === "checkbox") control.checked = value === true;
  else
    for (const one of document.getElementsByName(control.name))
      if (one instanceof HTMLInputElement) one.checked = one.value === value;
}
