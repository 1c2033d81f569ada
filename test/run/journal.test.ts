/** What a merge has finished survives it: the journal's lines, where the next run begins, and the same bytes in the end. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ByteSink, memoryFolder } from "../../core/bytes/sink.ts";
import type { ByteSource } from "../../core/bytes/source.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { abortError, WeightloomError } from "../../core/errors.ts";
import type { MergePlan, Plan, TensorPlan } from "../../core/plan/plan.ts";
import { differences, identityOf, VERSION } from "../../core/run/identity.ts";
import { createJournal, firstLine, type Ledger, lineOf, parseJournal } from "../../core/run/journal.ts";
import { run } from "../../core/run/run.ts";
import packageJson from "../../package.json" with { type: "json" };
import { asked, type JobOptions, planned, WISH } from "../support/job.ts";

/** Lines in memory, as a disk would have them. */
function memoryLedger(plan: Plan): Ledger & { text: string; removed: boolean } {
  return {
    text: firstLine(identityOf(plan, WISH)),
    removed: false,
    async append(text) {
      this.text += text;
    },
    async close() {},
    async remove() {
      this.removed = true;
    },
  };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/**
 * A folder as a disk is: a killed process leaves what it wrote, closed or not; a power cut only what was synced, and zeros
 * where the rest was.
 */
function durableFolder() {
  const folder = memoryFolder();
  const open = new Map<string, { readonly parts: Uint8Array<ArrayBuffer>[]; synced: number }>();
  const watched = (sink: ByteSink, before: Uint8Array<ArrayBuffer>[]): ByteSink => {
    const file = { parts: before, synced: before.length };
    open.set(sink.name, file);
    return {
      ...sink,
      write: async (bytes) => {
        file.parts.push(bytes.slice());
        await sink.write(bytes);
      },
      sync: async () => {
        const now = file.parts.length;
        await new Promise((resolve) => setTimeout(resolve, 2));
        file.synced = now;
      },
      close: async () => {
        open.delete(sink.name);
        await sink.close();
      },
    };
  };
  return {
    folder: {
      ...folder,
      create: async (name: string) => watched(await folder.create(name), []),
      reopen: async (name: string, size: number) => {
        const before = folder.left.get(name)?.slice(0, size);
        const sink = await folder.reopen!(name, size);
        return sink === null || before === undefined ? null : watched(sink, [before]);
      },
    },
    files: folder.files,
    end: (how: "kill" | "power cut") => {
      for (const [name, { parts, synced }] of open) {
        const left = parts.flatMap((part, i) => [...(how === "kill" || i < synced ? part : part.map(() => 0))]);
        folder.left.set(name, Uint8Array.from(left));
      }
      open.clear();
    },
  };
}

async function whole(options: JobOptions = {}) {
  const folder = memoryFolder();
  let reads = 0;
  const wrap = (source: ByteSource): ByteSource => ({
    ...source,
    read: (range) => {
      reads++;
      return source.read(range);
    },
  });
  const result = await run(planned({ ...options, wrap }), { engine: createPlainEngine(), folder, memory: 1e6, asked });
  return { files: folder.files, result, reads };
}

const same = (a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>) =>
  a.size === b.size && [...a].every(([name, bytes]) => Buffer.compare(bytes, b.get(name) ?? new Uint8Array()) === 0);

/** A gate before every read that lets so many through, then none: a process that does nothing any more. */
function stalling(after: number) {
  let reads = 0;
  let stalled = () => {};
  const reached = new Promise<void>((resolve) => {
    stalled = resolve;
  });
  const wrap = (source: ByteSource): ByteSource => ({
    ...source,
    read: async (range) => {
      if (++reads <= after) return source.read(range);
      stalled();
      return new Promise(() => {});
    },
  });
  return { wrap, reached };
}

describe("lines", () => {
  const identity = identityOf(planned(), WISH);
  const text = [
    firstLine(identity),
    lineOf({ run: { process: 1 } }),
    lineOf({
      round: 0,
      merge: 0,
      settled: { kept: [{ sums: [0.1, "-0", "NaN"], choices: [], vectors: [], high: [] }] },
    }),
    lineOf({ round: 0, whole: { sums: [["a", "Infinity"]], choices: [] } }),
    lineOf({ tensors: 3, facts: [{ tensor: "x", checksum: "00", seen: [["t", 0.5]] }] }),
    lineOf({ files: 1 }),
    lineOf({ extra: "ünïcode.json", checksum: "11" }),
  ];

  test("say what is finished", () => {
    const parsed = parseJournal(bytesOf(text.join("")));
    expect(parsed?.identity).toEqual(identity);
    expect(parsed?.finished).toMatchObject({ tensors: 3, files: 1, facts: [{ seen: [["t", 0.5]] }] });
    expect(parsed?.finished.rounds[0]?.settled.get(0)?.kept[0]?.sums).toEqual([0.1, "-0", "NaN"]);
    expect([...(parsed?.finished.extras ?? [])]).toEqual([["ünïcode.json", "11"]]);
    expect(parsed?.length).toBe(bytesOf(text.join("")).length);
  });

  test("torn anywhere, count up to the last whole one", () => {
    const all = bytesOf(text.join(""));
    const ends = text.map((_, i) => bytesOf(text.slice(0, i + 1).join("")).length);
    for (let length = 0; length <= all.length; length++) {
      const parsed = parseJournal(all.subarray(0, length));
      expect(parsed?.length ?? 0).toBe(ends.filter((end) => end <= length).at(-1) ?? 0);
    }
  });

  test("with a wrong bit, or zeros behind them as some file systems leave, count up to there", () => {
    const all = bytesOf(text.join(""));
    const [first = 0, second = 0] = text.map((_, i) => bytesOf(text.slice(0, i + 1).join("")).length);
    const flipped = all.slice();
    flipped[second + 20]! ^= 1;
    expect(parseJournal(flipped)?.length).toBe(second);
    const zeros = new Uint8Array(first + 4096);
    zeros.set(all.subarray(0, first));
    expect(parseJournal(zeros)?.length).toBe(first);
  });

  test("of an unfinished round are forgotten when the next run begins", () => {
    const cut = [text[0], text[2], lineOf({ run: { process: 2 } }), text[3]].join("");
    expect(parseJournal(bytesOf(cut))?.finished.rounds[0]?.settled.size).toBe(0);
  });
});

describe("a killed run", () => {
  afterEach(() => vi.restoreAllMocks());

  test.each(
    ["ties", "emr", "model_stock"].flatMap((method) =>
      [0.02, 0.4, 0.8, 0.999].flatMap((share) =>
        (["kill", "power cut"] as const).map((how) => ({ method, share, how })),
      ),
    ),
  )(
    "goes on where it was, $method at $share of the reads, after a $how, with the same bytes",
    async ({ method, share, how }) => {
      const expected = await whole({ method });
      const at = Math.floor(expected.reads * share);
      // Time flies, so that every few tensors are worth a mark.
      let now = 0;
      vi.spyOn(performance, "now").mockImplementation(() => (now += 300));
      const disk = durableFolder();
      const { wrap, reached } = stalling(at);
      const plan = planned({ method, wrap });
      const ledger = memoryLedger(plan);
      // Never settles, as a killed process: nothing of it runs on.
      void run(plan, {
        engine: createPlainEngine(),
        folder: disk.folder,
        memory: 1e5,
        asked,
        journal: createJournal(ledger),
      });
      await reached;
      await new Promise((resolve) => setTimeout(resolve, 20));
      disk.end(how);
      const left = parseJournal(bytesOf(ledger.text));
      expect(left).not.toBeNull();
      const read = new Set<string>();
      const noting = (source: ByteSource): ByteSource => ({
        ...source,
        read: (range) => {
          read.add(source.name);
          return source.read(range);
        },
      });
      const again = planned({ method, wrap: noting });
      const result = await run(again, {
        engine: createPlainEngine(),
        folder: disk.folder,
        memory: 1e6,
        asked,
        journal: createJournal(ledger, left!.finished),
      });
      expect(same(disk.files, expected.files)).toBe(true);
      expect(ledger.removed).toBe(true);
      expect(result.remarks).toEqual(expected.result.remarks);
      expect(result.unsound).toEqual(expected.result.unsound);
      expect(result.unsound).toHaveLength(12);
      expect(result.writtenBytes).toBe(expected.result.writtenBytes);
      const finished = again.tensors.slice(0, left!.finished.tensors);
      expect(result.keptBytes).toBe(finished.length === 0 ? 0 : keptOf(again, finished.length));
      // With what is known of the whole model, too, nothing finished is read again.
      const needed = again.tensors
        .slice(finished.length)
        .reduce((sum, tensor) => sum + readsOf(tensor, left!.finished.rounds.length), 0);
      expect(result.readBytes).toBe(needed + (left!.finished.rounds.length < rounds(again) ? surveyOf(finished) : 0));
    },
  );

  test("whose last file was cut or removed meanwhile writes that one again, and no other", async () => {
    const { wrap, reached } = stalling(Math.floor((await whole()).reads * 0.8));
    const plan = planned({ wrap });
    const disk = durableFolder();
    const ledger = memoryLedger(plan);
    void run(plan, {
      engine: createPlainEngine(),
      folder: disk.folder,
      memory: 1e5,
      asked,
      journal: createJournal(ledger),
    });
    await reached;
    await new Promise((resolve) => setTimeout(resolve, 20));
    disk.end("kill");
    const { finished } = parseJournal(bytesOf(ledger.text))!;
    expect(finished.files).toBeGreaterThan(0);
    const kept = plan.files[0]!.name;
    for (const { name } of plan.files.slice(1)) await disk.folder.remove(name);
    const created: string[] = [];
    const { create } = disk.folder;
    const folder = {
      ...disk.folder,
      create: (name: string) => {
        created.push(name);
        return create(name);
      },
    };
    const journal = createJournal(ledger, finished);
    await run(planned(), { engine: createPlainEngine(), folder, memory: 1e6, asked, journal });
    expect(same(disk.files, (await whole()).files)).toBe(true);
    expect(created).not.toContain(kept);
  });
});

/** Bytes of the first tensors with the headers of their files. */
const keptOf = (plan: Plan, tensors: number) =>
  plan.tensors.slice(0, tensors).reduce((sum, { output }) => sum + output.range.end - output.range.start, 0) +
  8 * new Set(plan.tensors.slice(0, tensors).map(({ output }) => output.file)).size;

const rounds = (plan: Plan) =>
  Math.max(...plan.tensors.map((t) => (t.action === "merge" ? (t.passes.at(-1)?.round ?? 0) : 0)));
const readsIn = (tensor: TensorPlan, wanted: (round: number) => boolean) =>
  tensor.action === "copy"
    ? 777
    : tensor.passes
        .filter(({ round }) => wanted(round))
        .reduce((sum, { program }) => sum + 4 * tensor.count * program.inputs.length, 0);
const readsOf = (tensor: TensorPlan, known: number) => readsIn(tensor, (round) => round >= known);
const surveyOf = (tensors: readonly TensorPlan[]) =>
  tensors.reduce((sum, tensor) => sum + readsIn(tensor, (round) => round === 0), 0);

describe("a run that ends early", () => {
  const failing = (at: number) => {
    let reads = 0;
    return (source: ByteSource): ByteSource => ({
      ...source,
      read: (range) =>
        ++reads === at ? Promise.reject(new WeightloomError("FileError", "the disk went away")) : source.read(range),
    });
  };
  const start = async (share: number) => {
    const plan = planned({ wrap: failing(Math.ceil((await whole()).reads * share)) });
    const folder = memoryFolder();
    const ledger = memoryLedger(plan);
    const work = run(plan, { engine: createPlainEngine(), folder, memory: 1e5, journal: createJournal(ledger) });
    work.catch(() => {});
    return { folder, ledger, work: () => work };
  };

  test("by a failure keeps what is finished, and the next one goes on", async () => {
    const { folder, ledger, work } = await start(0.8);
    await expect(work()).rejects.toThrow("the disk went away");
    expect(ledger.removed).toBe(false);
    expect(folder.files.has("config.json")).toBe(false);
    const { finished } = parseJournal(bytesOf(ledger.text))!;
    expect(finished.files).toBeGreaterThan(0);
    const journal = createJournal(ledger, finished);
    const result = await run(planned(), { engine: createPlainEngine(), folder, memory: 1e6, asked, journal });
    expect(result.keptBytes).toBeGreaterThan(0);
    expect(same(folder.files, (await whole()).files)).toBe(true);
  });

  test("by a failure with nothing finished leaves nothing", async () => {
    const { folder, ledger, work } = await start(0.01);
    await expect(work()).rejects.toThrow("the disk went away");
    expect([folder.files.size, folder.left.size, ledger.removed]).toEqual([0, 0, true]);
  });

  test("because it is cancelled leaves nothing, of earlier runs neither", async () => {
    const { folder, ledger, work } = await start(0.8);
    await expect(work()).rejects.toThrow("the disk went away");
    const controller = new AbortController();
    const { finished } = parseJournal(bytesOf(ledger.text))!;
    const second = run(planned(), {
      engine: createPlainEngine(),
      folder,
      memory: 1e5,
      journal: createJournal(ledger, finished),
      signal: controller.signal,
      onEvent: () => controller.abort(abortError()),
    });
    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    expect([folder.files.size, folder.left.size, ledger.removed]).toEqual([0, 0, true]);
  });

  test("because it was cancelled before it began leaves nothing either", async () => {
    const { folder, ledger, work } = await start(0.8);
    await expect(work()).rejects.toThrow("the disk went away");
    const { finished } = parseJournal(bytesOf(ledger.text))!;
    const signal = AbortSignal.abort(abortError());
    const journal = createJournal(ledger, finished);
    const second = run(planned(), { engine: createPlainEngine(), folder, memory: 1e5, journal, signal });
    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    expect([folder.files.size, folder.left.size, ledger.removed]).toEqual([0, 0, true]);
  });

  test("because it is told to stop keeps what is finished", async () => {
    const plan = planned();
    const folder = memoryFolder();
    const ledger = memoryLedger(plan);
    const controller = new AbortController();
    const work = run(plan, {
      engine: createPlainEngine(),
      folder,
      memory: 1e5,
      journal: createJournal(ledger),
      signal: controller.signal,
      onEvent: ({ tensorsDone }) => tensorsDone >= 6 && controller.abort(new WeightloomError("MergeError", "Stopped.")),
    });
    await expect(work).rejects.toThrow("Stopped.");
    expect(ledger.removed).toBe(false);
    expect(parseJournal(bytesOf(ledger.text))?.finished.files).toBe(1);
  });

  test("because the journal cannot be written says so", async () => {
    const plan = planned();
    const ledger = memoryLedger(plan);
    let lines = 0;
    const full: Ledger = {
      ...ledger,
      append: async () => {
        if (++lines > 1) throw new WeightloomError("FileError", "the journal's disk is full");
      },
    };
    const folder = memoryFolder();
    const work = run(plan, { engine: createPlainEngine(), folder, memory: 1e5, journal: createJournal(full) });
    await expect(work).rejects.toThrow("the journal's disk is full");
    expect(folder.files.has("config.json")).toBe(false);
  });
});

describe("who may go on", () => {
  const input = { model: "a", file: "model.safetensors", size: 10, version: "1" };
  const now = { ...identityOf(planned(), WISH), inputs: [input] };

  test("the same recipe, options and files", () => {
    expect(differences(now, now)).toEqual({ sources: [], wishes: [] });
  });

  test.each([
    [{ recipe: "a: 2" }, 'line 1 was "a: 1" and is "a: 2"'],
    [{ recipe: "a: 1\nb: 2" }, 'line 2 was not there and is "b: 2"'],
    [{ seed: 2 }, "The seed was 1 and is 2."],
    [{ shardBytes: 5e9 }, "The largest weight file was not limited and is 5.00 GB."],
    [{ engine: "NVIDIA" }, "It was computed on the CPU, and this would be NVIDIA."],
    [{ version: "0.0.1" }, `and this is 0.0.1`],
    [{ plan: "0" }, "What would be written is not what was planned then"],
  ])("not one with %o", (change, sentence) => {
    expect(differences(now, { ...now, ...change }).wishes.join()).toContain(sentence);
  });

  test.each([
    [[{ ...input, size: 11 }], "a: model.safetensors had 10 bytes and has 11."],
    [[{ ...input, version: "2" }], "a: model.safetensors was changed since"],
    [[], "a: model.safetensors is not there any more."],
    [[input, { ...input, file: "b.safetensors" }], "a: b.safetensors was not there before."],
  ])("nor one whose files are %o", (inputs, sentence) => {
    expect(differences(now, { ...now, inputs }).sources.join()).toContain(sentence);
  });

  test("the version is the package's", () => expect(VERSION).toBe(packageJson.version));

  test("another plan is another one", () => {
    const plan = planned();
    const [first, ...rest] = plan.tensors as [MergePlan, ...TensorPlan[]];
    const changed = { ...plan, tensors: [{ ...first, seed: [1, 1] as const }, ...rest] };
    expect(identityOf(changed, WISH).plan).not.toBe(identityOf(plan, WISH).plan);
    const roomier = { ...plan, tensors: [{ ...first, tile: 8192, resident: true }, ...rest] };
    expect(identityOf(roomier, WISH).plan).toBe(identityOf(plan, WISH).plan);
  });
});
