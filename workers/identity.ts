/** What tells a model's files from others without reading them: their names, sizes and when they were last changed. */
import { fromBytes } from "../core/bytes/source.ts";
import { fingerprint } from "../core/model/fingerprint.ts";

interface Known {
  readonly path: string;
  readonly file: { readonly size: number; readonly lastModified: number };
}

/**
 * A word of 16 hexadecimal digits; figures that were computed of the files may be kept under it.
 * @param base the identity of the model that the files, an adapter's, are applied to
 */
export function identityOf(files: readonly Known[], base = ""): Promise<string> {
  const lines = files
    .filter(({ path }) => /\.(safetensors|json)$/.test(path))
    .map(({ path, file }) => `${path.split("/").at(-1)} ${file.size} ${file.lastModified}`);
  return fingerprint(fromBytes("identity", new TextEncoder().encode([base, ...lines.sort()].join("\n"))));
}
