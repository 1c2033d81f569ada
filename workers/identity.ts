/**
 * What tells a model's files from others without reading them whole: names, sizes, when they were last changed, and a
 * few bytes from all over them, because fine-tunes of one base often share the rest.
 */
import { fromBytes } from "../core/bytes/source.ts";
import { fingerprint } from "../core/model/fingerprint.ts";
import type { HubPlace } from "./hubdoor.ts";

interface Known {
  readonly path: string;
  readonly file: File;
}

/** Looks into a file, and bytes of each. */
const PROBES = 16;
const BYTES = 512;

/**
 * A word of 16 hexadecimal digits; figures that were computed of the files may be kept under it.
 * @param base the identity of the model that the files, an adapter's, are applied to
 */
export async function identityOf(files: readonly Known[], base = ""): Promise<string> {
  const known = files.filter(({ path }) => /\.(safetensors|json)$/.test(path));
  const parts = await Promise.all(
    known.map(async ({ path, file }) => {
      const about = `${path.split("/").at(-1)} ${file.size} ${file.lastModified}`;
      return `${about} ${await fingerprint(fromBytes(about, await probed(file)))}`;
    }),
  );
  return fingerprint(fromBytes("identity", new TextEncoder().encode([base, ...parts.sort()].join("\n"))));
}

/** The same of files on the Hub, where a commit says all of them. */
export function identityAt({ repo, commit }: HubPlace, paths: Iterable<string>, base = ""): Promise<string> {
  const words = [base, `${repo} ${commit}`, ...[...paths].sort()].join("\n");
  return fingerprint(fromBytes("identity", new TextEncoder().encode(words)));
}

async function probed(file: File): Promise<Uint8Array> {
  if (file.size <= PROBES * BYTES) return new Uint8Array(await file.arrayBuffer());
  const step = (file.size - BYTES) / (PROBES - 1);
  const parts = Array.from({ length: PROBES }, (_, p) =>
    file.slice(Math.floor(p * step), Math.floor(p * step) + BYTES),
  );
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
