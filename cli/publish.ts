/** `publish FOLDER org/name`, and `merge ... --publish org/name`: a finished folder becomes a repository on the Hub, or a commit in one. */
import { openAsBlob } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { WeightloomError } from "../core/errors.ts";
import { type Hub, type HubName, type Published, type PublishProgress, parseHubName } from "../core/hub/hub.ts";
import { formatBytes } from "../core/units.ts";
import { Interrupted, type Invocation, UsageError } from "./args.ts";
import { refuseUnfinished } from "./files.ts";
import { endpointIn, openHub } from "./hub.ts";
import { showLine } from "./progress.ts";

/** The name a model is published under. Throws a UsageError for what is none. */
export function targetOf(text: string): HubName {
  const name = parseHubName(text, endpointIn(process.env));
  if (name !== null && name.folder === undefined) return name;
  throw new UsageError(`"${text}" is no name on the Hub. Write organisation/name, or organisation/name@branch.`);
}

export async function publishCommand(invocation: Invocation, signal: AbortSignal): Promise<Published> {
  const [folder = "", target = ""] = invocation.operands;
  return publishFolder(folder, targetOf(target), openHub(invocation.memory, 0), invocation, signal);
}

type Choices = Pick<Invocation, "overwrite" | "public" | "pullRequest">;

export async function publishFolder(
  folder: string,
  name: HubName,
  hub: Hub,
  choices: Choices,
  signal: AbortSignal,
): Promise<Published> {
  const files = await blobsIn(folder);
  const line = showLine();
  let step: PublishProgress["step"] = "checking";
  const done = await hub
    .publish({
      name,
      files,
      public: choices.public,
      overwrite: choices.overwrite,
      pullRequest: choices.pullRequest,
      signal,
      onProgress: (progress) => {
        step = progress.step;
        line.show(`${name.repo}: ${said(progress)}`);
      },
    })
    .finally(line.clear)
    .catch((error: unknown) => {
      if (!signal.aborted) throw error;
      const before = step === "committing" ? "It was about to be committed" : "Nothing was published";
      throw new Interrupted(
        `${before} to ${name.repo}. Publish ${folder} again to go on: files that have arrived are not sent again.`,
      );
    });
  const bytes = done.sent.reduce((sum, path) => sum + (files.get(path)?.size ?? 0), 0);
  const what =
    done.commit === null
      ? "is there already, byte for byte"
      : `published${done.created ? (choices.public ? ", public" : ", private") : ""}: ${done.sent.length} files, ${formatBytes(bytes)}${done.equal.length === 0 ? "" : `; ${done.equal.length} were there already`}${done.deleted.length === 0 ? "" : `; ${done.deleted.length} old ones removed`}`;
  console.error(`${done.pullRequest ?? done.url} ${what}.`);
  return done;
}

/** The files directly in a folder; those that begin with a dot stay. */
async function blobsIn(folder: string): Promise<Map<string, Blob>> {
  refuseUnfinished(folder);
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WeightloomError(
      "FileError",
      `${folder} is not a folder that can be read. Name the folder of a merged model.`,
      { cause },
    );
  });
  const files = new Map<string, Blob>();
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name.startsWith(".") || !(await stat(join(folder, name))).isFile()) continue;
    files.set(name, await openAsBlob(join(folder, name)));
  }
  return files;
}

function said({ step, file, done, total }: PublishProgress): string {
  if (step === "checking" || step === "committing") return step;
  return `${step} ${formatBytes(Math.round(done))} of ${formatBytes(total)}${file === null ? "" : `  ${file}`}`;
}
