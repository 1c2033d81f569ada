/** Reads a recipe file and says what is wrong with it, line by line, as compilers do. */
import { readFile } from "node:fs/promises";
import { messageOf } from "../core/errors.ts";
import type { Document } from "../core/recipe/document.ts";
import { parseDocument } from "../core/recipe/file.ts";
import { METHODS } from "../methods/index.ts";

/** The recipe cannot be used: exit code 2. */
export class BadRecipe extends Error {
  override readonly name = "BadRecipe";
}

export async function readDocument(path: string): Promise<{ document: Document; text: string }> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new BadRecipe(`The recipe ${path} cannot be read (${messageOf(error)}).`);
  });
  const { document, diagnostics } = parseDocument(text, METHODS);
  const lines = diagnostics.map((d) => `${path}:${d.line}:${d.column}: ${d.severity}: ${d.message}`);
  if (document === null) throw new BadRecipe(lines.join("\n"));
  for (const line of lines) console.error(line);
  return { document, text };
}
