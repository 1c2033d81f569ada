/** Models among files: which of the dropped or picked files belong together. */

export interface FoundFile {
  /** Relative, with folders. */
  readonly path: string;
  readonly file: File;
}

export type Origin =
  | { readonly kind: "sample"; readonly id: string }
  | { readonly kind: "folder"; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: "files"; readonly handles: readonly FileSystemFileHandle[] }
  /** A model of the Hub, under the name it was asked for, and the commit it was opened at; null before that. */
  | { readonly kind: "hub"; readonly ref: string; readonly commit: string | null }
  /** The last result in private storage. */
  | { readonly kind: "private" }
  /** Opened through a plain input: cannot be found again. */
  | { readonly kind: "none" };

/** Where a model lies, for its card. */
export function sourceInWords(origin: Origin): string {
  if (origin.kind === "sample") return "sample";
  if (origin.kind === "folder") return `folder ${origin.handle.name}`;
  if (origin.kind === "files") return origin.handles.length === 1 ? "one file" : `${origin.handles.length} files`;
  if (origin.kind === "hub") return origin.commit === null ? "Hub" : `Hub ${origin.commit.slice(0, 7)}`;
  return "this visit only";
}

export interface Found {
  readonly name: string;
  readonly files: readonly FoundFile[];
  readonly origin: Origin;
}

const folderOf = (path: string) => path.split("/").slice(0, -1).join("/");
const nameOf = (path: string) => path.split("/").at(-1) ?? path;
const isWeights = (path: string) => /\.safetensors$/i.test(path);
const isShard = (path: string) => /-\d+-of-\d+\.safetensors$/i.test(path);
const isIndex = (path: string) => /\.safetensors\.index(\.[\w-]+)?\.json$/i.test(path);
/** Worth handing to the opener even without safetensors, for the sentence it answers with. */
const isOtherWeights = (path: string) => /\.(bin|pt|pth|ckpt|gguf)$/i.test(path);

/**
 * A folder with weights is one model. Loose files: shards (with or without their index) are one model, a single weight
 * file takes the small files beside it, several weight files are a model each.
 */
export function groupModels(files: readonly FoundFile[]): Omit<Found, "origin">[] {
  const folders = new Map<string, FoundFile[]>();
  for (const file of files) {
    const folder = folderOf(file.path);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders].flatMap(([folder, inside]) => modelsIn(folder, inside));
}

function modelsIn(folder: string, files: readonly FoundFile[]): Omit<Found, "origin">[] {
  const weights = files.filter(({ path }) => isWeights(path));
  if (weights.length === 0) {
    const other = files.find(({ path }) => isOtherWeights(path));
    return other === undefined ? [] : [{ name: modelName(folder, other.path), files }];
  }
  const together =
    folder !== "" ||
    weights.length === 1 ||
    files.some(({ path }) => isIndex(path)) ||
    weights.every(({ path }) => isShard(path));
  if (together) return [{ name: modelName(folder, weights[0]?.path ?? "model"), files }];
  return weights.map((one) => ({ name: modelName("", one.path), files: [one] }));
}

function modelName(folder: string, path: string): string {
  const file = nameOf(path)
    .replace(/\.(safetensors|bin|pt|pth|ckpt|gguf)$/i, "")
    .replace(/-\d+-of-\d+$/, "");
  return nameOf(folder) || file;
}
