/**
 * A disk that forgets. It stands beneath Node's file functions, lets everything through to a real folder, and notes what was
 * done to it. Of that it tells what a power cut could leave at any moment: what was synced is there for certain, bytes by a sync
 * of their file, names (made, renamed, removed) by a sync of their folder, and of everything else any part may be.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

type Node = { readonly kind: "file"; readonly id: number } | { readonly kind: "folder" };

type Step =
  | { readonly does: "write"; readonly file: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly does: "cut"; readonly file: number; readonly size: number }
  | { readonly does: "name"; readonly folder: string; readonly name: string; readonly node: Node | null }
  | {
      readonly does: "rename";
      readonly folder: string;
      readonly from: string;
      readonly name: string;
      readonly node: Node;
    }
  /** What was done to it before step `before` is there for certain. */
  | { readonly does: "sync"; readonly what: number | string; readonly before: number };

/** Files by path, null for folders. */
export type Left = ReadonlyMap<string, Uint8Array | null>;

/** Of what was not synced: whether a step's names stay, its bytes, or at least their place, as zeros. */
export interface Whims {
  readonly name: (step: number) => boolean;
  readonly bytes: (step: number) => boolean;
  readonly place: (step: number) => boolean;
}

export interface Recording {
  readonly steps: number;
  /** What is there after a power cut behind so many steps. */
  left(steps: number, whims: Whims): Left;
}

let watched: { readonly root: string; readonly nodes: Map<string, Node>; readonly steps: Step[] } | null = null;
let files = 0;

/** Notes what happens in a folder from now on; what is there now stays for certain. */
export function watch(root: string): { now(): number; end(): Recording } {
  const nodes = new Map<string, Node>();
  const before = new Map<number, Uint8Array>();
  const look = (folder: string) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (lstatSync(path).isDirectory()) {
        nodes.set(path, { kind: "folder" });
        look(path);
      } else {
        nodes.set(path, { kind: "file", id: ++files });
        before.set(files, readFileSync(path));
      }
    }
  };
  look(root);
  const at = new Map(nodes);
  const steps: Step[] = [];
  watched = { root, nodes, steps };
  return {
    now: () => steps.length,
    end: () => {
      watched = null;
      return { steps: steps.length, left: (count, whims) => leftOf(root, at, before, steps.slice(0, count), whims) };
    },
  };
}

function leftOf(
  root: string,
  at: ReadonlyMap<string, Node>,
  before: ReadonlyMap<number, Uint8Array>,
  steps: readonly Step[],
  whims: Whims,
): Left {
  const synced = new Map<number | string, number>();
  for (const step of steps)
    if (step.does === "sync") synced.set(step.what, Math.max(step.before, synced.get(step.what) ?? 0));
  const certain = (what: number | string, step: number) => step < (synced.get(what) ?? 0);
  const nodes = new Map(at);
  const contents = new Map(before);
  for (const [number, step] of steps.entries()) {
    if (step.does === "sync") continue;
    if (step.does === "write" || step.does === "cut") {
      const old = contents.get(step.file) ?? new Uint8Array(0);
      const stays = certain(step.file, number) || whims.bytes(number);
      const end = step.does === "cut" ? step.size : Math.max(old.length, step.at + step.bytes.length);
      if (!stays && (step.does === "cut" || !whims.place(number))) continue;
      const bytes = new Uint8Array(end);
      bytes.set(old.subarray(0, end));
      if (step.does === "write" && stays) bytes.set(step.bytes, step.at);
      contents.set(step.file, bytes);
    } else if (certain(step.folder, number) || whims.name(number)) {
      if (step.does === "rename") nodes.delete(join(step.folder, step.from));
      if (step.node === null) nodes.delete(join(step.folder, step.name));
      else nodes.set(join(step.folder, step.name), step.node);
    }
  }
  const left = new Map<string, Uint8Array | null>();
  const isThere = (path: string): boolean => path === root || (nodes.has(path) && isThere(dirname(path)));
  for (const [path, node] of [...nodes].sort())
    if (isThere(path))
      left.set(relative(root, path), node.kind === "folder" ? null : (contents.get(node.id) ?? new Uint8Array(0)));
  return left;
}

/** Puts what was left into a folder. */
export function restore(left: Left, root: string): void {
  mkdirSync(root, { recursive: true });
  for (const [path, bytes] of left) {
    if (bytes === null) mkdirSync(join(root, path), { recursive: true });
    else writeFileSync(join(root, path), bytes);
  }
}

const isWatched = (path: unknown): path is string =>
  typeof path === "string" && watched !== null && (path === watched.root || path.startsWith(`${watched.root}/`));

/** Node's file functions on this disk, for `vi.mock("node:fs/promises")`. Nothing else cuts its power, so a sync takes no time. */
export function forgetful(real: typeof import("node:fs/promises")): typeof import("node:fs/promises") {
  const note = (step: Step) => watched?.steps.push(step);
  const name = (path: string, node: Node | null) => {
    note({ does: "name", folder: dirname(path), name: path.slice(dirname(path).length + 1), node });
    if (node === null) watched?.nodes.delete(path);
    else watched?.nodes.set(path, node);
  };

  const open = async (path: string, flags = "r", ...rest: never[]): Promise<FileHandle> => {
    const handle = await real.open(path, flags, ...rest);
    const wasSynced = async () => {};
    if (!isWatched(path)) return Object.assign(handle, { sync: wasSynced, datasync: wasSynced });
    const known = watched?.nodes.get(path);
    let id: number | string;
    if (path === watched?.root || known?.kind === "folder") id = path;
    else if (known === undefined) {
      id = ++files;
      name(path, { kind: "file", id });
    } else {
      id = known.id;
      if (flags.startsWith("w")) note({ does: "cut", file: id, size: 0 });
    }
    const { write, truncate } = handle;
    let next = 0;
    const sync = async () => {
      const before = watched?.steps.length ?? 0;
      await new Promise((resolve) => setImmediate(resolve));
      note({ does: "sync", what: id, before });
    };
    return Object.assign(handle, {
      sync,
      datasync: sync,
      write: async (data: string | Uint8Array, offset = 0, length?: number, position: number | null = null) => {
        const bytes =
          typeof data === "string" ? Buffer.from(data) : data.slice(offset, offset + (length ?? data.length));
        const at = typeof data === "string" ? next : (position ?? next);
        next = at + bytes.length;
        note({ does: "write", file: Number(id), at, bytes });
        const done = await Reflect.apply(write, handle, [bytes, 0, bytes.length, at]);
        return { ...done, buffer: data };
      },
      truncate: async (size = 0) => {
        note({ does: "cut", file: Number(id), size });
        await Reflect.apply(truncate, handle, [size]);
      },
    });
  };

  return {
    ...real,
    open: open as typeof real.open,
    mkdir: (async (path: string, options: { recursive?: boolean }) => {
      const missing: string[] = [];
      for (let one = path; isWatched(one) && !existsSync(one); one = dirname(one)) missing.unshift(one);
      const made = await real.mkdir(path, options);
      for (const one of missing) name(one, { kind: "folder" });
      return made;
    }) as typeof real.mkdir,
    rename: async (from, to) => {
      await real.rename(from, to);
      if (!isWatched(from) || !isWatched(to)) return;
      const node = watched?.nodes.get(from);
      if (node === undefined || dirname(from) !== dirname(to)) throw new Error(`${from} is renamed, but is not known.`);
      const folder = dirname(to);
      note({ does: "rename", folder, from: from.slice(folder.length + 1), name: to.slice(folder.length + 1), node });
      watched?.nodes.delete(from);
      watched?.nodes.set(to, node);
    },
    rm: async (path, options) => {
      await real.rm(path, options);
      if (isWatched(path) && watched?.nodes.has(path)) name(path, null);
    },
    rmdir: async (path) => {
      await real.rmdir(path);
      if (isWatched(path)) name(path, null);
    },
  };
}
