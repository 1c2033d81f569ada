/** The Hub behind the door. What speaks to it is loaded when it is first asked; models that it opens are like all others. */
import type { ByteSource } from "../core/bytes/source.ts";
import { abortError, WeightloomError } from "../core/errors.ts";
import type { Hub, HubName, RangeCache } from "../core/hub/hub.ts";
import { parseHubName } from "../core/hub/name.ts";
import type { ModelSummary } from "./api.ts";
import type { HubDoor, HubNews, HubPlace, PublishProgress } from "./hubdoor.ts";
import { privateRanges } from "./ranges.ts";

export interface HubNeeds {
  /** Where the Hub is. */
  readonly endpoint: string;
  /** The root of private storage. */
  storage(): Promise<FileSystemDirectoryHandle>;
  /** Takes a model's files in as those of a folder are. */
  admit(id: string, name: string, files: ReadonlyMap<string, ByteSource>, place: HubPlace): Promise<ModelSummary>;
}

/** Milliseconds between two tellings of what came. */
const EVERY = 250;
/** Of private storage: what was downloaded. */
const KEPT = "weightloom-ranges";

export function createHubDoor({ endpoint, storage, admit }: HubNeeds): HubDoor {
  let token: string | null = null;
  let hub: Promise<Hub> | null = null;
  const jobs = new Map<string, AbortController>();
  let cache: RangeCache | null = null;
  /** Models that are open follow when what is kept changes. */
  const throughCache: Pick<RangeCache, "through"> = {
    through: (file, fill) => {
      let [used, through]: [RangeCache | null, typeof fill] = [null, fill];
      return (...asked) => {
        if (used !== cache) [used, through] = [cache, cache?.through(file, fill) ?? fill];
        return through(...asked);
      };
    },
  };
  const ranges = privateRanges(async () => (await storage()).getDirectoryHandle(KEPT, { create: true }));
  let news: HubNews = { downloaded: 0, wait: null };
  let tell: (news: HubNews) => void = () => {};
  let isTold = true;

  function note(change: Partial<HubNews>, now = false): void {
    news = { ...news, ...change };
    if (now) tell(news);
    if (!isTold) return;
    isTold = false;
    setTimeout(() => {
      isTold = true;
      tell(news);
    }, EVERY);
  }

  function reach(): Promise<Hub> {
    hub ??= import("../core/hub/hub.ts").then(({ createHub }) =>
      createHub({
        endpoint,
        token: () => token,
        cache: throughCache,
        onDownload: (bytes) => note({ downloaded: news.downloaded + bytes }),
        onWait: ({ host, milliseconds, because }) => {
          const until = Date.now() + milliseconds;
          // Of several pauses at once the longest is the one that counts.
          if (news.wait === null || news.wait.until < until) note({ wait: { host, until, because } }, true);
        },
      }),
    );
    hub.catch(() => {
      hub = null;
    });
    return hub;
  }

  function nameOf(text: string): HubName {
    const name = parseHubName(text, endpoint);
    if (name !== null) return name;
    throw new WeightloomError(
      "HubError",
      `"${text.slice(0, 100)}" is no name of a model on the Hub. Names are "org/name", "org/name@revision", or the address of a model's page.`,
    );
  }

  /** Runs a job that `hubStop` can end; another of the same name ends first. */
  async function job<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    jobs.get(name)?.abort(abortError());
    const mine = new AbortController();
    jobs.set(name, mine);
    try {
      return await work(mine.signal);
    } finally {
      if (jobs.get(name) === mine) jobs.delete(name);
    }
  }

  return {
    hubListen: async (onNews) => {
      tell = onNews;
    },
    hubToken: async (next) => {
      token = next;
    },
    hubWho: async () => (await reach()).whoAmI(),
    hubSearch: ({ words, task, sort }) =>
      job("search", async (signal) =>
        (await reach()).search(words, { signal, sort, ...(task === null ? {} : { task }) }),
      ),
    hubInfo: async (ref) => (await reach()).info(nameOf(ref)),
    hubOpen: ({ id, name, ref, commit }, onProgress) =>
      job(id, async (signal) => {
        const asked = nameOf(ref);
        const pinned = commit === null ? asked : { ...asked, revision: commit };
        const { files, info } = await (await reach()).open(pinned, { signal, onProgress });
        signal.throwIfAborted();
        return admit(id, name, files, { repo: info.repo, commit: info.commit });
      }),
    hubPublish: ({ name, files, isPublic, mayReplace }, onProgress) =>
      job("publish", async (signal) => {
        let last = 0;
        const said = (progress: PublishProgress) => {
          if (Date.now() - last < EVERY && progress.step !== "committing") return;
          last = Date.now();
          onProgress(progress);
        };
        return (await reach()).publish({
          name: nameOf(name),
          files: new Map(files.map((one) => [one.name, one.file])),
          public: isPublic,
          overwrite: mayReplace,
          signal,
          onProgress: said,
        });
      }),
    hubKeep: async (limit) => {
      if (limit === 0) cache = null;
      else cache = (await import("../core/hub/cache.ts")).createCache(ranges, limit);
    },
    hubKept: async () => (await ranges.list()).reduce((sum, { size }) => sum + size, 0),
    hubForget: async () => {
      await cache?.clear();
      await (await storage()).removeEntry(KEPT, { recursive: true }).catch(() => {});
    },
    hubStop: async (name) => jobs.get(name)?.abort(abortError()),
  };
}
