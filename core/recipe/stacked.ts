/** What is wrong with a stack of slices, in the words that the plan and the studio's board share. Pure. */

/** Of a method with a base, whose layers it has to find in each slice. */
export const baseMissing = (base: string): string => `The base ${base} is not among the sources of this slice.`;

/** Null where all are of one width. */
export function widthsDiffer(models: readonly { readonly name: string; readonly hidden: number }[]): string | null {
  if (new Set(models.map(({ hidden }) => hidden)).size < 2) return null;
  const said = models.map(({ name, hidden }) => `${name} is ${hidden.toLocaleString("en")} wide`).join(", ");
  return `Layers of different width cannot be stacked: ${said}. Keep the models of one width and remove the rest.`;
}
