/** A recipe of slices, in words. */
import type { Slice } from "../../core/recipe/recipe.ts";
import { useView } from "../state/view.ts";

/** "layers 0 to 7 of a (8 layers)"; ranges are half open in the recipe and closed in words. */
export function sliceInWords(slice: Slice): string {
  const said = slice.sources.map(
    ({ model, layer_range: [from, to] }) =>
      `${to - from === 1 ? `layer ${from}` : `layers ${from} to ${to - 1}`} of ${model}`,
  );
  const [first] = slice.sources;
  const count = first === undefined ? 0 : first.layer_range[1] - first.layer_range[0];
  return `${said.join(" merged with ")} (${count} ${count === 1 ? "layer" : "layers"})`;
}

export function Slices({ slices }: { readonly slices: readonly Slice[] }) {
  const open = useView((state) => state.set);
  const depth = slices.reduce(
    (sum, { sources: [first] }) => sum + (first === undefined ? 0 : first.layer_range[1] - first.layer_range[0]),
    0,
  );
  return (
    <section className="slices" aria-label="Slices">
      <h3>A stack of {depth} layers</h3>
      <ol>
        {slices.map((slice, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: slices have no identity but their place
          <li key={i}>{sliceInWords(slice)}</li>
        ))}
      </ol>
      <p className="quiet">
        Embeddings come from the first slice, the final norm and head from the last. Layers are chosen, moved and scaled
        on the{" "}
        <button type="button" className="link" onClick={() => open({ view: "stack" })}>
          Stack board
        </button>
        .
      </p>
    </section>
  );
}
