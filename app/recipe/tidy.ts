/** YAML set right: indents, spaces and quotes in one manner. Comments, order and blank lines stay. Pure. */
import { parseAllDocuments } from "yaml";
import { WeightloomError } from "../../core/errors.ts";

/** Throws a RecipeError, with the line, for text that is not YAML. */
export function tidied(text: string): string {
  const documents = parseAllDocuments(text, { keepSourceTokens: false });
  if (!Array.isArray(documents)) return text;
  for (const { errors } of documents) {
    const [first] = errors;
    if (first === undefined) continue;
    const line = first.linePos?.[0].line ?? 1;
    const what = first.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "";
    throw new WeightloomError("RecipeError", `Line ${line} is not YAML (${what}). Put it right, then format.`);
  }
  const printed = documents.map((one) =>
    one.toString({ indent: 2, lineWidth: 0, flowCollectionPadding: false, indentSeq: true }).replace(/\s*$/, "\n"),
  );
  return printed
    .map((one, i) =>
      i === 0 || one.startsWith("---") || printed[i - 1]?.trimEnd().endsWith("---") ? one : `---\n${one}`,
    )
    .join("");
}
