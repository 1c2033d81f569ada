/**
 * What the page may ask of the Hub, and hears from it. Plain data, types only; part of the door in `api.ts`. Weights never
 * pass: the worker reads them itself.
 */
import type { HubInfo, HubModel } from "../core/hub/info.ts";
import type { Published, PublishProgress } from "../core/hub/publish.ts";
import type { ModelSummary } from "./api.ts";

export type { HubInfo, HubModel } from "../core/hub/info.ts";
export type { Published, PublishProgress } from "../core/hub/publish.ts";

/** Where a model of the Hub was opened. */
export interface HubPlace {
  /** "org/name". */
  readonly repo: string;
  /** The commit it is read at, whatever its branch does: 40 hexadecimal digits. */
  readonly commit: string;
}

export interface HubOpening {
  /** Key of the model in the worker, and what recipes call it. */
  readonly id: string;
  readonly name: string;
  /** "org/name", "org/name@revision", either with ":folder". */
  readonly ref: string;
  /** The commit to open it at; null: where the revision is now. */
  readonly commit: string | null;
}

export interface HubSearch {
  readonly words: string;
  readonly task: string | null;
  readonly sort: "downloads" | "likes" | "lastModified" | "trendingScore";
}

export interface HubPublishing {
  /** "org/name", or with "@branch". */
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly file: File }[];
  /** Of a repository that is made. */
  readonly isPublic: boolean;
  /** Whether other weights that are there may be replaced. */
  readonly mayReplace: boolean;
}

/** What goes on between the worker and the Hub. */
export interface HubNews {
  /** Bytes of files that have come since the page was opened. */
  readonly downloaded: number;
  /** A pause: until when (ms since 1970), of which host, and why. */
  readonly wait: { readonly host: string; readonly until: number; readonly because: string } | null;
}

export interface HubDoor {
  /** Hears the news from now on, some times a second. */
  hubListen(onNews: (news: HubNews) => void): Promise<void>;
  /** The token for everything after it; null: none. It stays in the worker's memory. */
  hubToken(token: string | null): Promise<void>;
  /** Whose token it is; null without one. */
  hubWho(): Promise<string | null>;
  /** Rejects with AbortError when another search overtakes it. */
  hubSearch(search: HubSearch): Promise<readonly HubModel[]>;
  hubInfo(ref: string): Promise<HubInfo>;
  /** Opens a model with its headers and small files alone. `onProgress` hears how many of its weight files' headers are there. */
  hubOpen(opening: HubOpening, onProgress: (done: number, total: number) => void): Promise<ModelSummary>;
  /** One commit, or nothing; what has arrived before is not sent again. */
  hubPublish(publishing: HubPublishing, onProgress: (progress: PublishProgress) => void): Promise<Published>;
  /** Keeps up to so many bytes of what is downloaded in private storage; 0: nothing more, and what is kept is not used. */
  hubKeep(limit: number): Promise<void>;
  /** Bytes that are kept. */
  hubKept(): Promise<number>;
  /** Removes all that is kept. */
  hubForget(): Promise<void>;
  /** Ends the opening of that key, "search" or "publish"; they reject with AbortError. */
  hubStop(job: string): Promise<void>;
}
