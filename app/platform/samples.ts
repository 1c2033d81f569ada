/** The sample family: four tiny models that came with the page, fetched from where the page is. */
import { WeightloomError } from "../../core/errors.ts";
import type { Found } from "./found.ts";

interface Family {
  readonly models: readonly { readonly id: string; readonly files: readonly { readonly path: string }[] }[];
}

const at = (path: string) => new URL(`samples/${path}`, document.baseURI);

async function get(path: string): Promise<Response> {
  const response = await fetch(at(path)).catch((error: unknown) => {
    throw new WeightloomError(
      "FileError",
      "The sample models come from where this page is, and that cannot be reached now. Open your own models, or try again with a network.",
      { cause: error },
    );
  });
  if (!response.ok) {
    throw new WeightloomError(
      "FileError",
      `The sample file ${path} could not be loaded (${response.status}). Reload the page.`,
    );
  }
  return response;
}

/** @param only ids to load; all of them, the base first, when absent */
export async function sampleModels(only?: readonly string[]): Promise<Found[]> {
  const { models } = (await (await get("family.json")).json()) as Family;
  const wanted = models.filter(({ id }) => only === undefined || only.includes(id));
  return Promise.all(
    wanted.map(async ({ id, files }): Promise<Found> => {
      const loaded = files.map(async ({ path }) => {
        const name = path.split("/").at(-1) ?? path;
        const response = await get(path);
        // What was computed of a file may be kept as long as the file is the same.
        const lastModified = Date.parse(response.headers.get("last-modified") ?? "") || 0;
        return { path: name, file: new File([await response.blob()], name, { lastModified }) };
      });
      return { name: id, files: await Promise.all(loaded), origin: { kind: "sample", id } };
    }),
  );
}

/** What the family's own measurements found best: the adder whole, the others at two fifths. */
export const SAMPLE_WEIGHTS: Readonly<Record<string, number>> = { adder: 1, reverser: 0.4, sorter: 0.4 };
