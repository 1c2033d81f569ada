/** A model's papers: what its weight files say of themselves, and the text files beside them. */
import type { ByteSource } from "../core/bytes/source.ts";
import { WeightloomError } from "../core/errors.ts";
import type { Model } from "../core/model/model.ts";
import type { DocumentText, ModelPapers } from "./inspection.ts";

const TEXT = /\.(json|jsonl|md|txt|jinja|ya?ml|model_card|license)$|^(license|notice|readme)$/i;
/** Characters of a long document that are shown. */
const MOST = 200_000;

export function papersOf(files: ReadonlyMap<string, ByteSource> | undefined, model: Model): ModelPapers {
  const documents = [...(files ?? [])].flatMap(([name, { size }]) => (TEXT.test(name) ? [{ name, size }] : []));
  const weight = (name: string) => (name === "config.json" ? 0 : /^readme/i.test(name) ? 1 : 2);
  return {
    metadata: [...model.checkpoint.metadata],
    documents: documents.sort((a, b) => weight(a.name) - weight(b.name) || (a.name < b.name ? -1 : 1)),
  };
}

export async function documentOf(
  files: ReadonlyMap<string, ByteSource> | undefined,
  name: string,
): Promise<DocumentText> {
  const source = files?.get(name);
  if (source === undefined)
    throw new WeightloomError("FileError", `${name}: the model has no such file any more. Open the model again.`);
  const end = Math.min(source.size, MOST);
  const text = new TextDecoder().decode(await source.read({ start: 0, end }));
  return { text: tidied(name, text, end === source.size), isWhole: end === source.size };
}

/** JSON that was written in one line is hard to read. */
function tidied(name: string, text: string, isWhole: boolean): string {
  if (!isWhole || !name.endsWith(".json") || text.includes("\n  ")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
