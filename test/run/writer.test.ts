/** The writer: bytes in order, as many writes under way as a sink takes, memory given back when it is no longer looked at. */
import { describe, expect, test } from "vitest";
import type { ByteSink, Folder } from "../../core/bytes/sink.ts";
import type { FilePlan } from "../../core/plan/plan.ts";
import type { Marks } from "../../core/run/marks.ts";
import { createWriter, type Writer } from "../../core/run/writer.ts";

const FILES: readonly FilePlan[] = [{ name: "one", header: Uint8Array.of(7, 7), size: 2 + 10 + 6 * 100 }];

/** A file whose writes are answered one after the other, each a moment later; with what it had to do at once. */
function slowFile(ahead: number | undefined, enough: number, breaksAt = Number.POSITIVE_INFINITY) {
  let line: Promise<unknown> = Promise.resolve();
  const seen = { content: [] as number[], most: 0, under: 0, writes: 0, atSync: [] as number[], aborted: 0 };
  const sink: ByteSink = {
    name: "one",
    enough,
    ...(ahead === undefined ? {} : { ahead }),
    write: (bytes) => {
      const number = seen.writes++;
      seen.most = Math.max(seen.most, ++seen.under);
      const answered = line.then(async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        seen.under--;
        if (number === breaksAt) throw new Error("the disk is gone");
        // Read as late as can be: whoever used this memory again meanwhile would be seen.
        seen.content.push(...bytes);
      });
      line = answered.catch(() => {});
      return answered;
    },
    sync: async () => void seen.atSync.push(seen.under),
    close: async () => {},
    abort: async () => void seen.aborted++,
  };
  const folder: Folder = { name: "folder", create: async () => sink, remove: async () => {} };
  return { folder, seen };
}

/** Ten bytes one at a time, then six chunks of a hundred; each chunk's memory is overwritten when it is given back. */
function fill(writer: Writer): number[] {
  const sizes = [...Array(10).fill(1), ...Array(6).fill(100)];
  let value = 0;
  const all = sizes.map((size) => Uint8Array.from({ length: size }, () => value++ % 251));
  const expected = [...FILES[0]!.header, ...all.flatMap((bytes) => [...bytes])];
  for (const [index, bytes] of all.entries())
    writer.push({
      file: 0,
      bytes: Promise.resolve(bytes),
      tensors: index + 1,
      done: () => {},
      spent: (given) => void given.fill(255),
    });
  return expected;
}

const marksOf = (due: () => boolean): Marks => ({
  due,
  tensors: (_, sink) => void sink.sync?.(),
  last: async (_, sink) => sink.sync?.(),
  files: async () => {},
});

describe.each([
  { ahead: undefined, most: 1 },
  { ahead: 1, most: 1 },
  { ahead: 3, most: 3 },
])("a sink that takes $ahead writes ahead", ({ ahead, most }) => {
  // 4: small chunks are put together in memory that is used again; 1: every one is written by itself.
  test.each([4, 1])("has so many under way, and the bytes in order, %i at least at a time", async (enough) => {
    const { folder, seen } = slowFile(ahead, enough);
    const writer = createWriter(FILES, folder);
    const expected = fill(writer);
    await writer.end();
    expect(seen.content).toEqual(expected);
    expect(seen.most).toBe(most);
  });

  test("has answered all of them when the disk is to confirm", async () => {
    const { folder, seen } = slowFile(ahead, 4);
    const writer = createWriter(FILES, folder, { marks: marksOf(() => true) });
    const expected = fill(writer);
    await writer.end();
    expect(seen.atSync.length).toBe(17);
    expect(seen.atSync.every((under) => under === 0)).toBe(true);
    expect(seen.content).toEqual(expected);
  });

  test("fails the writer with whichever of them fails", async () => {
    const { folder, seen } = slowFile(ahead, 4, 5);
    const writer = createWriter(FILES, folder);
    fill(writer);
    await expect(Promise.race([writer.failed, writer.end()])).rejects.toThrow("the disk is gone");
    await writer.abort();
    expect(seen.aborted).toBe(1);
  });
});
