/** A model's letter and colour, the same wherever it is shown. */
export const tintOf = (role: string | null): string =>
  role === null
    ? "var(--faint)"
    : role === "base"
      ? "var(--model-base)"
      : `var(--model-${(role.charCodeAt(0) - 65) % 8})`;

/** Dash patterns tell curves apart without colour. */
export const dashOf = (role: string | null): string | undefined =>
  role === null || role === "base"
    ? undefined
    : [undefined, "7 3", "2 3", "10 3 2 3", "5 5", "1 4", "12 4", "4 2 1 2"][(role.charCodeAt(0) - 65) % 8];
