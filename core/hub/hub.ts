/**
 * The Hub of Hugging Face, or what stands at its endpoint, as this program needs it: find a model, open it, and read of its
 * files what is asked for and no more. Listing and information go through @huggingface/hub, loaded when first needed;
 * reading is our own (stretch.ts), because a range that is not checked is not worth having.
 */
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import { pickWeights } from "../formats/folder.ts";
import { createAhead, createPurse } from "./ahead.ts";
import type { RangeCache } from "./cache.ts";
import { FIELDS, type HubInfo, type HubModel, modelOf, type RawModel } from "./info.ts";
import { formatHubName, type HubName } from "./name.ts";
import { createPublisher, type Publisher } from "./publish.ts";
import { createLanes, type HubSource, hubSource } from "./source.ts";
import { createFill, type RemoteFile } from "./stretch.ts";
import { createWire, type WireOptions } from "./wire.ts";

export { createCache, type RangeCache, type RangeStore } from "./cache.ts";
export type { HubInfo, HubModel } from "./info.ts";
export { formatHubName, type HubName, hubName, parseHubName } from "./name.ts";
export type { Patience } from "./pause.ts";
export type { Published, Publishing, PublishProgress } from "./publish.ts";
export { ENDPOINT, type HubWait } from "./wire.ts";

export interface HubOptions extends WireOptions {
  /** Bytes that reading ahead may hold, of all models together; default 256 MB. */
  readonly aheadBytes?: number | undefined;
  /** Keeps what was downloaded for the next time. */
  readonly cache?: Pick<RangeCache, "through"> | undefined;
  /** Hears of every piece that arrives of any file, in bytes. */
  readonly onDownload?: ((bytes: number) => void) | undefined;
}

/** A model at a commit, its files not read yet. */
export interface HubRepo {
  readonly name: HubName;
  readonly info: HubInfo;
  /** By path in the repository (in its folder, where the name has one). */
  readonly files: ReadonlyMap<string, ByteSource>;
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears how many of the weight files' headers are there. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface SearchOptions {
  readonly signal?: AbortSignal | undefined;
  /** "text-generation" and the like. */
  readonly task?: string | undefined;
  readonly owner?: string | undefined;
  readonly sort?: "downloads" | "likes" | "lastModified" | "trendingScore" | undefined;
  /** At most so many; default 20. */
  readonly limit?: number | undefined;
}

export interface Hub extends Publisher {
  readonly endpoint: string;
  info(name: HubName, signal?: AbortSignal): Promise<HubInfo>;
  /** The files of a model, pinned to the commit its revision is at now, with the beginnings of its weight files fetched. */
  open(name: HubName, options?: OpenOptions): Promise<HubRepo>;
  /** Models with safetensors files whose name has these words. */
  search(words: string, options?: SearchOptions): Promise<readonly HubModel[]>;
  /** Whose token it is; null without one. */
  whoAmI(signal?: AbortSignal): Promise<string | null>;
}

/** Requests for single ranges under way at once. */
const LANES = 12;
const AHEAD = 256e6;
/** Asking for information gives up sooner than a run that has been going for an hour. */
const TRIES = 4;
const MOST_FILES = 100_000;

const library = () => import("@huggingface/hub");

export function createHub(options: HubOptions = {}): Hub {
  const wire = createWire(options);
  const { endpoint } = wire;
  const tries = Math.min(TRIES, wire.patience.tries);
  const purse = createPurse(options.aheadBytes ?? AHEAD);
  const lanes = createLanes(LANES);

  async function info({ repo, revision }: HubName, signal?: AbortSignal): Promise<HubInfo> {
    const { modelInfo } = await library();
    const raw = await modelInfo({
      name: repo,
      hubUrl: endpoint,
      additionalFields: [...FIELDS],
      fetch: wire.fetchAbout({ repo, revision }, { signal, tries }),
      ...(revision === undefined ? {} : { revision }),
    });
    const { sha: commit } = raw as { sha?: unknown };
    if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit))
      throw new WeightloomError(
        "HubError",
        `${repo}: ${new URL(endpoint).host} does not say at which commit it is. Is it a Hub?`,
      );
    return { ...modelOf(raw as RawModel), repo, commit };
  }

  async function filesOf(repo: string, commit: string, folder: string | undefined, signal?: AbortSignal) {
    const { listFiles } = await library();
    const found: RemoteFile[] = [];
    const listed = listFiles({
      repo,
      revision: commit,
      recursive: true,
      hubUrl: endpoint,
      fetch: wire.fetchAbout({ repo, revision: commit }, { signal, tries }),
      ...(folder === undefined ? {} : { path: folder.split("/").map(encodeURIComponent).join("/") }),
    });
    // What one Hub or one model calls by a hash is not taken from another's word, nor past another's gate.
    const from = `${new URL(endpoint).host}-${repo}`.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 150);
    for await (const { type, path, size, lfs, oid } of listed) {
      if (type !== "file" || typeof path !== "string") continue;
      const bytes = lfs?.size ?? size;
      if (!Number.isSafeInteger(bytes) || bytes < 0 || found.length >= MOST_FILES)
        throw new WeightloomError("HubError", `${repo}: the Hub's list of its files cannot be right. Try again later.`);
      const hash = lfs?.oid ?? oid ?? "";
      found.push({
        repo,
        commit,
        path,
        size: bytes,
        content: /^[0-9a-f]{40,64}$/.test(hash) ? `${hash.slice(0, 40)}-${from}` : null,
      });
    }
    return found;
  }

  return {
    ...createPublisher(wire, async (name, signal) => (await info(name, signal)).commit),
    endpoint,
    info,
    open: async (name, { signal, onProgress } = {}) => {
      const about = await info(name, signal);
      const ahead = createAhead(purse);
      const inside = name.folder === undefined ? "" : `${name.folder}/`;
      const files = new Map<string, HubSource>();
      for (const file of await filesOf(name.repo, about.commit, name.folder, signal)) {
        if (!file.path.startsWith(inside)) continue;
        const fill = createFill(wire, file, options.onDownload);
        const through = options.cache?.through(file, fill) ?? fill;
        files.set(file.path.slice(inside.length), hubSource(file, through, ahead, lanes));
      }
      if (files.size === 0)
        throw new WeightloomError(
          "HubError",
          `${formatHubName(name)}: there are no files. Check the name on ${endpoint}/${name.repo}.`,
        );
      await warm(files, signal, onProgress);
      return { name, info: about, files };
    },
    search: async (words, { signal, task, owner, sort = "downloads", limit = 20 } = {}) => {
      const { listModels } = await library();
      const found: HubModel[] = [];
      const listed = listModels({
        search: {
          tags: ["safetensors"],
          ...(words.trim() === "" ? {} : { query: words.trim() }),
          ...(owner === undefined ? {} : { owner }),
          // The Hub's own list of tasks grows faster than the library's type.
          ...(task === undefined ? {} : { task: task as never }),
        },
        sort,
        limit,
        additionalFields: [...FIELDS],
        hubUrl: endpoint,
        fetch: wire.fetchAbout({ repo: null }, { signal, tries }),
      });
      for await (const raw of listed) found.push(modelOf(raw as RawModel));
      return found;
    },
    whoAmI: async (signal) => {
      if (wire.token() === null) return null;
      const response = await wire.fetchAbout({ repo: null }, { signal, tries })(`${endpoint}/api/whoami-v2`);
      const said: unknown = await response.json();
      const { name } = typeof said === "object" && said !== null ? (said as { name?: unknown }) : {};
      return typeof name === "string" ? name : null;
    },
  };
}

/** Fetches the beginnings of the weight files side by side: opening reads them one after the other. */
async function warm(
  files: ReadonlyMap<string, HubSource>,
  signal: AbortSignal | undefined,
  onProgress: OpenOptions["onProgress"],
): Promise<void> {
  const weights = weightsAmong([...files.keys()]);
  let done = 0;
  onProgress?.(0, weights.length);
  await Promise.all(
    weights.map(async (path) => {
      await files.get(path)?.warm(signal);
      done++;
      onProgress?.(done, weights.length);
    }),
  );
}

/** What a model's weights are, by the names; nothing where they are unclear, which opening will say. */
function weightsAmong(paths: readonly string[]): readonly string[] {
  try {
    const { folder, index, files } = pickWeights(paths);
    const beside = paths.filter((path) => path.startsWith(folder) && !path.slice(folder.length).includes("/"));
    return index === null
      ? files.map((file) => folder + file)
      : beside.filter((path) => /-of-\d+\.safetensors$/i.test(path) || path === folder + index);
  } catch {
    return [];
  }
}
