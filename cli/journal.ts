/**
 * The journal of a merge, a hidden file in the output folder while the merge is not complete. A folder that has one holds
 * an unfinished model, whatever else lies in it.
 */
import { existsSync, readFileSync } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { WeightloomError } from "../core/errors.ts";
import { differences, type Identity } from "../core/run/identity.ts";
import {
  createJournal,
  type Finished,
  firstLine,
  type Journal,
  type Ledger,
  lineOf,
  type ParsedJournal,
  parseJournal,
} from "../core/run/journal.ts";
import { Refused } from "./args.ts";
import { diskFolder, isUnfinished, JOURNAL, makeFolder, syncFolder, writeAll, writingFailed } from "./files.ts";

const pathIn = (out: string) => join(out, JOURNAL);
/** Under its own name only when the first line is whole. */
const freshIn = (out: string) => `${pathIn(out)}.partial`;

/** What an unfinished merge left; null where its journal tells nothing that a run could go on from. */
export function leftIn(out: string): ParsedJournal | null {
  return isUnfinished(out) ? parseJournal(readFileSync(pathIn(out))) : null;
}

/** Begins a journal. */
export async function beginJournal(out: string, identity: Identity): Promise<Journal> {
  await makeFolder(out).catch((cause: unknown) => {
    throw writingFailed(out, cause);
  });
  const file = await open(freshIn(out), "w");
  await file.write(firstLine(identity) + lineOf({ run: me() }));
  await file.sync();
  await rename(freshIn(out), pathIn(out));
  await syncFolder(out);
  return createJournal(diskLedger(out, file));
}

/** Goes on with a journal. Refuses one that belongs to another merge, or whose models changed since. */
export async function continueJournal(out: string, left: ParsedJournal, identity: Identity): Promise<Journal> {
  const { sources, wishes } = differences(left.identity, identity);
  if (sources.length > 0)
    throw new WeightloomError(
      "FileError",
      `${out} cannot be resumed, because its models changed since: ${sources.join(" ")} Put them back, or begin anew with --overwrite.`,
    );
  if (wishes.length > 0)
    throw new Refused(
      `${out} holds an unfinished merge, but not this one: ${wishes.join(" ")} Put that back to resume it, or begin anew with --overwrite.`,
    );
  const file = await open(pathIn(out), "r+");
  await file.truncate(left.length);
  const journal = createJournal(diskLedger(out, file, left.length), left.finished);
  await journal.write({ run: me() });
  return journal;
}

const me = () => ({ process: process.pid, host: hostname(), at: new Date().toISOString() });

function diskLedger(out: string, file: FileHandle, start?: number): Ledger {
  let at = start;
  return {
    append: async (text) => {
      const bytes = new TextEncoder().encode(text);
      at ??= (await file.stat()).size;
      try {
        await writeAll(file, bytes, at);
        await file.datasync();
      } catch (cause) {
        throw writingFailed(pathIn(out), cause);
      }
      at += bytes.length;
    },
    close: () => file.close(),
    remove: async () => {
      await file.close();
      await removeJournal(out);
      await syncFolder(out);
      // A folder that was made for nothing.
      await rmdir(out).catch(() => {});
    },
  };
}

/** Takes away what an unfinished merge left. */
export async function clearLeft(out: string, left: ParsedJournal | null): Promise<void> {
  for (const name of left?.identity.files ?? []) await diskFolder(out).remove(name);
  await removeJournal(out);
}

/** The journal goes last: were the power cut before the rest has gone for certain, what is left would look whole. */
async function removeJournal(out: string): Promise<void> {
  // One that never began.
  await rm(freshIn(out), { force: true });
  await syncFolder(out);
  await rm(pathIn(out), { force: true });
}

/** A model that was there before is not whole any more, and does not look so: only what this merge has finished stays. */
export async function forgetModel(out: string, { finished }: Pick<Journal, "finished">): Promise<void> {
  for (const name of await readdir(out))
    if (/^config\.json$|\.index\.json$/.test(name) && !finished.extras.has(name)) await rm(join(out, name));
}

/** The process that is writing there now, as far as that can be known; null when none is. */
export function atWork({ runs }: Finished): number | null {
  const { process: pid, host } = runs.at(-1) ?? {};
  if (typeof pid !== "number" || host !== hostname() || pid === process.pid) return null;
  try {
    process.kill(pid, 0);
  } catch {
    return null;
  }
  const about = `/proc/${pid}/cmdline`;
  // Another program may have got the number since.
  return existsSync(about) && !readFileSync(about, "utf8").includes("weightloom") ? null : pid;
}

/** How far it came, for the sentence that offers to resume. */
export function farOf({ finished, identity }: ParsedJournal): string {
  const weights = identity.files.filter((name) => name.endsWith(".safetensors")).length;
  const parts = [
    finished.rounds.length > 0 && finished.tensors === 0 ? "the numbers of the whole model" : "",
    finished.tensors > 0 ? `${finished.tensors.toLocaleString("en")} tensors` : "",
    weights > 1 && finished.files > 0 ? `${finished.files} of ${weights} weight files` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "nothing finished yet" : `${parts.join(", ")} finished`;
}
