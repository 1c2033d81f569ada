/**
 * Power cuts, at every step that a merge takes on the disk. Beneath the command line's own files and journal lies a disk that
 * forgets: bytes that were not synced, and names that were made, renamed or removed in a folder that was not synced since.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { diskFolder, isUnfinished, JOURNAL } from "../../cli/files.ts";
import { beginJournal, clearLeft, continueJournal, forgetModel, leftIn } from "../../cli/journal.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { abortError } from "../../core/errors.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { identityOf } from "../../core/run/identity.ts";
import type { Entry, Journal } from "../../core/run/journal.ts";
import { run } from "../../core/run/run.ts";
import { type Left, type Recording, restore, type Whims, watch } from "../support/forgetful.ts";
import { asked, planned, WISH } from "../support/job.ts";

vi.mock("node:fs/promises", async (original) => {
  const { forgetful } = await import("../support/forgetful.ts");
  return forgetful(await original<typeof import("node:fs/promises")>());
});

const LONG = { timeout: 60_000 };
const work = mkdtempSync(join(tmpdir(), "weightloom-power-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
/** In a folder that the merge has to make, too. */
const OUT = join("made", "out");

beforeEach(() => {
  // Time flies, so that every tensor is worth a mark.
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += 300));
});
afterEach(() => vi.restoreAllMocks());

const plan = (single = false) => planned({ unit: 120, tensors: 9, single });
const identity = (of: Plan) => identityOf(of, { ...WISH, recipe: `files: ${of.files.length}` });
const finish = (of: Plan, out: string, journal: Journal, signal?: AbortSignal) =>
  run(of, {
    engine: createPlainEngine(),
    folder: diskFolder(out),
    memory: 2000,
    asked,
    journal,
    ...(signal === undefined ? {} : { signal }),
  });

const filesIn = (out: string) =>
  new Map(
    existsSync(out)
      ? readdirSync(out).map((name) => [
          name,
          createHash("sha256")
            .update(readFileSync(join(out, name)))
            .digest("hex"),
        ])
      : [],
  );

/** What an undisturbed merge leaves. */
async function whole(of: Plan): Promise<ReadonlyMap<string, string>> {
  const out = mkdtempSync(join(work, "whole-"));
  await finish(of, out, await beginJournal(out, identity(of)));
  return filesIn(out);
}

/** Everything is lost that may be, or nothing; names without their bytes, bytes without their names; and by chance. */
function* whimsOf(cut: number): Generator<Whims> {
  const always = () => true;
  const never = () => false;
  yield { name: never, bytes: never, place: never };
  yield { name: always, bytes: always, place: always };
  yield { name: always, bytes: never, place: always };
  yield { name: always, bytes: never, place: never };
  yield { name: never, bytes: always, place: always };
  for (const salt of [1, 2, 3]) {
    const chance = (what: number) => (step: number) =>
      Math.imul(step * 31 + salt * 7919 + what * 104_729 + cut * 13, 2_654_435_761) >>> 31 === 1;
    yield { name: chance(1), bytes: chance(2), place: chance(3) };
  }
}

const nameOf = (left: Left) => {
  const hash = createHash("sha256");
  for (const [path, bytes] of left) hash.update(`${path} ${bytes?.length}\n`).update(bytes ?? "");
  return hash.digest("hex");
};

/**
 * Cuts the power behind every step, and lets each different thing that may be left be looked at in a folder.
 * @param more what has to be true of the same files a little later, but not yet
 */
async function cutEverywhere(
  recording: Recording,
  more: (cut: number) => unknown,
  look: (out: string, cut: number) => Promise<string>,
): Promise<ReadonlyMap<string, number>> {
  const seen = new Set<string>();
  const ends = new Map<string, number>();
  vi.restoreAllMocks();
  for (let cut = 0; cut <= recording.steps; cut++) {
    for (const whims of whimsOf(cut)) {
      const left = recording.left(cut, whims);
      const name = `${nameOf(left)} ${more(cut)}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const root = join(work, `cut-${cut}-${seen.size}`);
      restore(left, root);
      const end = await look(join(root, OUT), cut);
      ends.set(end, (ends.get(end) ?? 0) + 1);
      rmSync(root, { recursive: true });
    }
  }
  return ends;
}

type End = "nothing" | "whole" | "went on" | "as before";

interface Before {
  /** What was there before the merge, and may be there still. */
  readonly before?: ReadonlyMap<string, string>;
  /** Weights of an older model that nobody asked to remove. */
  readonly stray?: readonly string[];
}

/**
 * Goes on as the command line does. "Nothing" where there is nothing to go on with, and nothing that looks like a model to
 * whoever comes by; whatever has no journal otherwise has to be whole.
 */
async function goOn(out: string, atLeast = 0, { before, stray = [] }: Before = {}): Promise<End> {
  const without = (names: readonly string[]) => new Map([...filesIn(out)].filter(([name]) => !names.includes(name)));
  const there = () => without(stray);
  if (!isUnfinished(out)) {
    const now = there();
    // The journal that was about to begin is nobody's.
    if (before !== undefined && same(without([`${JOURNAL}.partial`]), before)) return "as before";
    if (![...now.keys()].some((name) => /^config\.json$|\.safetensors/.test(name))) return "nothing";
    expect(
      [...wholes.values()].some((one) => same(one, now)),
      `whole: ${[...now.keys()].join(" ")}`,
    ).toBe(true);
    return "whole";
  }
  const left = leftIn(out);
  expect(left, "a journal that can be read").not.toBeNull();
  const of = plan(left!.identity.recipe === "files: 1");
  expect(left!.finished.tensors, "tensors that the journal knows").toBeGreaterThanOrEqual(atLeast);
  const journal = await continueJournal(out, left!, identity(of));
  await forgetModel(out, journal);
  const { keptBytes } = await finish(of, out, journal);
  expect(keptBytes, "bytes that were kept").toBeGreaterThanOrEqual(bytesOf(of, atLeast));
  expect(there()).toEqual(wholes.get(of.files.length));
  return "went on";
}

const same = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) =>
  a.size === b.size && [...a].every(([name, bytes]) => b.get(name) === bytes);

/** By number of weight files. */
const wholes = new Map<number, ReadonlyMap<string, string>>();
beforeAll(async () => {
  for (const of of [plan(), plan(true)]) wholes.set(of.files.length, await whole(of));
});

const bytesOf = (of: Plan, tensors: number) =>
  of.tensors.slice(0, tensors).reduce((sum, { output }) => sum + output.range.end - output.range.start, 0);

/** A journal that tells of every entry once the disk has it. */
const telling = (journal: Journal, on: (entry: Entry) => void): Journal => ({
  ...journal,
  get hasWork() {
    return journal.hasWork;
  },
  write: async (entry) => {
    await journal.write(entry);
    on(entry);
  },
});

test("a merge goes on behind what the disk confirmed, or is whole, wherever the power is cut", LONG, async () => {
  const of = plan();
  const root = mkdtempSync(join(work, "root-"));
  const disk = watch(root);
  const begun = await beginJournal(join(root, OUT), identity(of));
  const from = disk.now();
  const confirmed: { readonly at: number; readonly tensors: number }[] = [];
  const journal = telling(begun, (entry) => {
    if ("tensors" in entry) confirmed.push({ at: disk.now(), tensors: entry.tensors });
  });
  await finish(of, join(root, OUT), journal);
  const done = disk.now();
  // Inside files too, not only at the ends of three.
  expect(confirmed.length).toBeGreaterThan(3);
  const sure = (cut: number) => confirmed.filter(({ at }) => at <= cut).at(-1)?.tensors ?? 0;
  const more = (cut: number) => [sure(cut), cut >= from, cut >= done];
  const ends = await cutEverywhere(disk.end(), more, async (out, cut) => {
    const end = await goOn(out, cut < done ? sure(cut) : 0);
    if (cut >= from) expect(end).not.toBe("nothing");
    if (cut >= done) expect(end).toBe("whole");
    return end;
  });
  expect([...ends.keys()].sort()).toEqual(["nothing", "went on", "whole"]);
});

test.each(["model-3.safetensors", "config.json"])(
  "a merge that is cancelled behind %s never looks complete, wherever the power is cut meanwhile",
  LONG,
  async (behind) => {
    const of = plan();
    const root = mkdtempSync(join(work, "root-"));
    const out = join(root, OUT);
    const begun = await beginJournal(out, identity(of));
    const cancel = new AbortController();
    let disk: ReturnType<typeof watch> | null = null;
    const journal = telling(begun, (entry) => {
      const name = "files" in entry ? of.files[entry.files - 1]?.name : "extra" in entry ? entry.extra : null;
      if (name !== behind) return;
      // All before is certain, so that every step is one of the cancelling.
      disk = watch(root);
      cancel.abort(abortError());
    });
    await expect(finish(of, out, journal, cancel.signal)).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(out)).toBe(false);
    const ends = await cutEverywhere(
      disk!.end(),
      () => "",
      (left) => goOn(left),
    );
    expect([...ends.keys()].sort()).toEqual(["nothing", "went on"]);
  },
);

test(
  "an unfinished merge that is overwritten goes on as the old or the new one, and nothing of the old one stays",
  LONG,
  async () => {
    const root = mkdtempSync(join(work, "root-"));
    const out = join(root, OUT);
    const stop = new AbortController();
    const journal = telling(await beginJournal(out, identity(plan())), (entry) => {
      if ("extra" in entry && entry.extra === "config.json") stop.abort(new Error("stopped"));
    });
    await expect(finish(plan(), out, journal, stop.signal)).rejects.toThrow("stopped");
    const left = leftIn(out);
    expect(left?.finished.files).toBe(3);
    const disk = watch(root);
    await clearLeft(out, left);
    const anew = await beginJournal(out, identity(plan(true)));
    await forgetModel(out, anew);
    await finish(plan(true), out, anew);
    const done = disk.now();
    const more = (cut: number) => cut >= done;
    const ends = await cutEverywhere(disk.end(), more, async (at, cut) => {
      const end = await goOn(at);
      if (cut >= done) expect(end).toBe("whole");
      return end;
    });
    expect([...ends.keys()].sort()).toEqual(["nothing", "went on", "whole"]);
  },
);

test("a model that is overwritten is the old one, an unfinished one, or the new one", LONG, async () => {
  const root = mkdtempSync(join(work, "root-"));
  const out = join(root, OUT);
  await finish(plan(), out, await beginJournal(out, identity(plan())));
  const before = filesIn(out);
  const disk = watch(root);
  const journal = await beginJournal(out, identity(plan(true)));
  const from = disk.now();
  await forgetModel(out, journal);
  await finish(plan(true), out, journal);
  const done = disk.now();
  const more = (cut: number) => [cut >= from, cut >= done];
  const ends = await cutEverywhere(disk.end(), more, async (at, cut) => {
    const end = await goOn(at, 0, { before, stray: ["model-2.safetensors", "model-3.safetensors"] });
    if (cut >= from) expect(end).not.toBe("as before");
    if (cut >= done) expect(end).toBe("whole");
    return end;
  });
  expect([...ends.keys()].sort()).toEqual(["as before", "went on", "whole"]);
});
