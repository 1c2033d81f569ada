/** Types of what the mock Hub holds. */
export interface MockFile {
  readonly size: number;
  read(start: number, end: number): Buffer;
  readonly sha256: string;
  readonly oid: string;
  readonly lfs: boolean;
}

export interface MockRepo {
  readonly private: boolean;
  readonly gated: false | "auto" | "manual";
  readonly commits: Map<string, Map<string, MockFile>>;
  readonly branches: Map<string, string>;
}

export interface Facts {
  readonly private?: boolean;
  readonly gated?: false | "auto" | "manual";
  readonly task?: string;
  readonly licence?: string;
  readonly downloads?: number;
  readonly likes?: number;
  readonly updated?: string;
}

export interface Shape {
  readonly layers?: number;
  readonly hidden?: number;
  readonly inner?: number;
  readonly heads?: number;
  readonly kv?: number;
  readonly vocabulary?: number;
  readonly shards?: number;
}

export function memoryFile(path: string, content: string | Uint8Array): MockFile;
export function diskFile(path: string): MockFile;
export function folderFiles(folder: string): Map<string, MockFile>;
export function imaginedFile(
  seed: string,
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
): MockFile;
export function llamaFiles(seed: string, shape?: Shape): Map<string, MockFile>;
export function repository(files: ReadonlyMap<string, MockFile>, facts?: Facts): MockRepo;
export function commitTo(repo: MockRepo, branch: string, files: ReadonlyMap<string, MockFile>): string;
