/**
 * A folder becomes a repository, or a commit in one: checked to be whole, private unless asked otherwise, never over other
 * weights without asking. Everything goes in one commit, so a repository holds the old model or the new one, never half of
 * each. What is there already is not sent again: files that are equal are left out, and of the rest the Hub knows which it has
 * received before, so an interrupted publication goes on where it was.
 */
import { abortError, isAbort, messageOf, throwIfAborted, WeightloomError } from "../errors.ts";
import { refuseIncomplete } from "./complete.ts";
import { type HubName, parseHubName } from "./name.ts";
import { Refusal } from "./refusal.ts";
import type { Wire } from "./wire.ts";

const library = () => import("@huggingface/hub");

export interface Publishing {
  /** Where to; its revision is the branch, made when it is missing. */
  readonly name: HubName;
  /** By path in the repository. Blobs are read in pieces, twice: to know their hash, and to send them. */
  readonly files: ReadonlyMap<string, Blob>;
  /** Of a repository that is made; default private. */
  readonly public?: boolean | undefined;
  /** Replace other weights that are there. */
  readonly overwrite?: boolean | undefined;
  /** Open a pull request instead of committing to the branch. */
  readonly pullRequest?: boolean | undefined;
  /** Title of the commit. */
  readonly title?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: PublishProgress) => void) | undefined;
}

export interface PublishProgress {
  readonly step: "checking" | "hashing" | "uploading" | "committing";
  /** The file that moved last, or null. */
  readonly file: string | null;
  /** Of the step, bytes. */
  readonly done: number;
  readonly total: number;
}

export interface Published {
  readonly repo: string;
  /** The page to look at. */
  readonly url: string;
  /** Null when nothing had to be committed. */
  readonly commit: string | null;
  /** Address of the pull request, or null. */
  readonly pullRequest: string | null;
  readonly created: boolean;
  readonly sent: readonly string[];
  /** Files that were there already, byte for byte. */
  readonly equal: readonly string[];
  /** Weights of the old model that the new one does not have. */
  readonly deleted: readonly string[];
}

/** What is at the target: null when there is no such repository. */
interface Target {
  readonly commit: string;
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256: string | null; readonly oid: string }>;
}

/** Files that make a model; those that stay behind would be loaded with the new ones. */
const WEIGHTS = /\.(safetensors|bin|pth?|ckpt|gguf|onnx|h5|msgpack)$|\.index\.json$/i;
/** The whole is tried again so often when addresses to send to have expired. */
const AGAIN = 3;

/** A refusal of the storage behind the Hub: a new address may help. */
class Stale extends Error {}

export interface Publisher {
  publish(publishing: Publishing): Promise<Published>;
  /** Refuses what publishing would refuse before it sends anything: no token, other weights there. For the time before a merge. */
  checkTarget(publishing: Omit<Publishing, "files">): Promise<void>;
}

export function createPublisher(
  wire: Wire,
  commitOf: (name: HubName, signal?: AbortSignal) => Promise<string>,
): Publisher {
  const { endpoint } = wire;

  /** A fetch for the library. What is sent to the storage behind the Hub is counted, and refused there only for now. */
  function fetchFor(repo: string, onSent: (path: string, bytes: number) => void): typeof fetch {
    const about = wire.fetchAbout({ repo, writing: true });
    return async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (wire.isHub(url)) return about(input, init);
      const { progressHint: hint } = (init ?? {}) as { progressHint?: { path?: unknown } };
      const response = await wire.ask(url, init ?? {}, { signal: init?.signal ?? undefined });
      if (!response.ok) throw new Stale(`the storage answered with status ${response.status}`);
      if (init?.body instanceof Blob && typeof hint?.path === "string") onSent(hint.path, init.body.size);
      return response;
    };
  }

  async function look(name: HubName, signal: AbortSignal | undefined): Promise<Target | "no repository" | "no branch"> {
    let commit: string;
    try {
      commit = await commitOf(name, signal);
    } catch (error) {
      if (error instanceof Refusal && error.reason === "revision") return "no branch";
      if (error instanceof Refusal && error.reason === "repository") return "no repository";
      throw error;
    }
    const { listFiles } = await library();
    const files = new Map<string, { size: number; sha256: string | null; oid: string }>();
    const listed = listFiles({
      repo: name.repo,
      revision: commit,
      recursive: true,
      hubUrl: endpoint,
      fetch: wire.fetchAbout({ repo: name.repo }, { signal }),
    });
    for await (const { type, path, size, lfs, oid } of listed)
      if (type === "file") files.set(path, { size: lfs?.size ?? size, sha256: lfs?.oid ?? null, oid: oid ?? "" });
    return { commit, files };
  }

  function refuseName(name: HubName): void {
    if (name.folder !== undefined || parseHubName(name.repo) === null)
      throw new WeightloomError("HubError", `"${name.repo}" is no name to publish under. Write organisation/name.`);
    if (wire.token() === null)
      throw new WeightloomError(
        "AccessError",
        `${name.repo}: publishing needs a token that may write. Make one on ${endpoint}/settings/tokens.`,
      );
  }

  function refuseWeights({ repo }: HubName, other: readonly string[], overwrite: boolean | undefined): void {
    if (overwrite === true || other.length === 0) return;
    const more = other.length > 1 ? ` and ${(other.length - 1).toLocaleString("en")} more` : "";
    throw new WeightloomError(
      "HubError",
      `${repo} already holds a model (${other[0]}${more}). Choose another name, or say that it may be overwritten; the old one stays in its history.`,
    );
  }

  return {
    checkTarget: async ({ name, overwrite, signal }) => {
      refuseName(name);
      const target = await look(name, signal);
      if (typeof target === "string") return;
      refuseWeights(
        name,
        [...target.files.keys()].filter((path) => WEIGHTS.test(path)),
        overwrite,
      );
    },

    publish: async (publishing) => {
      const { name, files, signal, onProgress } = publishing;
      const { repo, revision: branch } = name;
      const tell = (step: PublishProgress["step"], file: string | null, done: number, total: number) =>
        onProgress?.({ step, file, done, total });
      refuseName(name);
      tell("checking", null, 0, 0);
      await refuseIncomplete(files);

      let created = false;
      let target = await look(name, signal);
      if (target === "no repository") {
        await create(repo, publishing.public === true, signal);
        created = true;
        target = await look(name, signal);
      }
      if (target === "no branch" && branch !== undefined) {
        const { createBranch } = await library();
        await createBranch({
          repo,
          branch,
          hubUrl: endpoint,
          fetch: wire.fetchAbout({ repo, writing: true }, { signal }),
        });
        target = await look(name, signal);
      }
      if (typeof target === "string")
        throw new WeightloomError("HubError", `${repo}: it was made, but the Hub does not show it yet. Try again.`);

      const before = target;
      const { equal, changed } = await compare(files, before, signal, (file, done, total) =>
        tell("hashing", file, done, total),
      );
      const other = [...before.files.keys()].filter((path) => WEIGHTS.test(path) && !equal.includes(path));
      refuseWeights(name, other, publishing.overwrite);
      const deleted = other.filter((path) => !files.has(path));
      const url = `${endpoint}/${repo}${branch === undefined ? "" : `/tree/${encodeURIComponent(branch)}`}`;
      const result = { repo, url, created, equal, deleted, sent: changed };
      if (changed.length === 0 && deleted.length === 0) return { ...result, commit: null, pullRequest: null };

      for (let attempt = 1; ; attempt++) {
        throwIfAborted(signal);
        try {
          const { commit, pullRequest } = await send(publishing, before.commit, changed, deleted, tell);
          return { ...result, commit, pullRequest };
        } catch (error) {
          if (isAbort(error) || signal?.aborted === true) throw signal?.reason ?? error;
          // The answer to a commit may have been lost after it was made.
          const now = publishing.pullRequest === true ? before : await look(name, signal);
          if (typeof now !== "string" && now.commit !== before.commit) {
            const after = await compare(files, now, signal);
            if (after.changed.length === 0 && deleted.every((path) => !now.files.has(path)))
              return { ...result, commit: now.commit, pullRequest: null };
            throw new WeightloomError(
              "HubError",
              `${repo}: somebody else has changed it since this began, so nothing was published. Look at ${url}, and publish again.`,
              { cause: error },
            );
          }
          if (error instanceof Stale && attempt < AGAIN) continue;
          throw refused(repo, error);
        }
      }
    },
  };

  async function create(repo: string, open: boolean, signal: AbortSignal | undefined): Promise<void> {
    const { createRepo } = await library();
    await createRepo({
      repo,
      visibility: open ? "public" : "private",
      hubUrl: endpoint,
      fetch: wire.fetchAbout({ repo, writing: true }, { signal }),
      // The token is added where requests are made, for the Hub's own origin only.
      accessToken: "",
    } as Parameters<typeof createRepo>[0]);
  }

  async function send(
    { name, files, title, pullRequest, signal }: Publishing,
    parentCommit: string,
    changed: readonly string[],
    deleted: readonly string[],
    tell: (step: PublishProgress["step"], file: string | null, done: number, total: number) => void,
  ): Promise<{ commit: string; pullRequest: string | null }> {
    const { commitIter } = await library();
    const sizeOf = (path: string) => files.get(path)?.size ?? 0;
    const total = changed.reduce((sum, path) => sum + sizeOf(path), 0);
    const hashed = new Map<string, number>();
    const sent = new Map<string, number>();
    const sum = (of: ReadonlyMap<string, number>) =>
      Math.min(
        total,
        [...of.values()].reduce((a, b) => a + b, 0),
      );
    const steps = commitIter({
      repo: name.repo,
      title: title ?? "Upload a merge made with Weightloom",
      parentCommit,
      hubUrl: endpoint,
      useXet: false,
      operations: [
        ...changed.map((path) => ({ operation: "addOrUpdate" as const, path, content: files.get(path)! })),
        ...deleted.map((path) => ({ operation: "delete" as const, path })),
      ],
      fetch: fetchFor(name.repo, (path, bytes) => {
        sent.set(path, (sent.get(path) ?? 0) + bytes);
        tell("uploading", path, sum(sent), total);
      }),
      ...(name.revision === undefined ? {} : { branch: name.revision }),
      ...(pullRequest === undefined ? {} : { isPullRequest: pullRequest }),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    });
    for (;;) {
      const step = await steps.next();
      if (step.done === true) {
        const output = step.value;
        if (output === undefined) throw new Error("Internal error: the commit yielded nothing.");
        return { commit: output.commit.oid, pullRequest: output.pullRequestUrl ?? null };
      }
      const { value } = step;
      if (value.event === "phase") {
        if (value.phase === "committing") tell("committing", null, total, total);
      } else if (value.state === "hashing") {
        hashed.set(value.path, value.progress * sizeOf(value.path));
        tell("hashing", value.path, sum(hashed), total);
      } else if (value.state === "uploading" && value.progress === 1) {
        sent.set(value.path, sizeOf(value.path));
        tell("uploading", value.path, sum(sent), total);
      }
    }
  }
}

/** Which files are at the target, byte for byte, and which are not. */
async function compare(
  files: ReadonlyMap<string, Blob>,
  target: Target,
  signal: AbortSignal | undefined,
  onHash: (path: string, done: number, total: number) => void = () => {},
): Promise<{ equal: readonly string[]; changed: readonly string[] }> {
  const equal: string[] = [];
  const changed: string[] = [];
  const candidates = [...files].filter(([path, { size }]) => target.files.get(path)?.size === size);
  const total = candidates.reduce((sum, [, { size }]) => sum + size, 0);
  let done = 0;
  for (const [path, blob] of files) {
    const there = target.files.get(path);
    if (there?.size !== blob.size) {
      changed.push(path);
      continue;
    }
    const same =
      there.sha256 === null
        ? (await gitOid(blob)) === there.oid
        : (await sha256(blob, signal, (share) => onHash(path, done + share * blob.size, total))) === there.sha256;
    done += blob.size;
    (same ? equal : changed).push(path);
  }
  return { equal, changed };
}

async function sha256(blob: Blob, signal: AbortSignal | undefined, onShare: (share: number) => void): Promise<string> {
  const { __internal_sha256: hash } = await library();
  const steps = hash(blob, signal === undefined ? {} : { abortSignal: signal });
  for (;;) {
    if (signal?.aborted === true) throw signal.reason ?? abortError();
    const step = await steps.next();
    if (step.done === true) return step.value;
    onShare(step.value);
  }
}

/** The name git gives a file's content: SHA-1 over its kind, its length and itself. Small files only. */
async function gitOid(blob: Blob): Promise<string> {
  const bytes = await new Blob([`blob ${blob.size}\0`, blob]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whatever stopped it, as a sentence. */
function refused(repo: string, error: unknown): WeightloomError {
  const why = messageOf(error).slice(0, 300);
  const sentence = /quota|storage limit/i.test(why)
    ? `there is no room for it on the Hub (${why}). Free some, publish it publicly, or publish it elsewhere.`
    : `publishing stopped (${why}). Nothing was changed there. Publish again: what has arrived is not sent twice.`;
  if (error instanceof WeightloomError && !/quota|storage limit/i.test(why)) return error;
  return new WeightloomError("HubError", `${repo}: ${sentence}`, { cause: error });
}
