/** Pages written past the system's cache: the file is what it would be without, and where there is no such way nothing is lost. */
import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { directWriter } from "../../cli/direct.ts";
import { diskFolder } from "../../cli/files.ts";
import { createArena } from "../../core/engine/cpu/arena.ts";
import { createSpares } from "../../core/run/spares.ts";

const PAGE = 4096;
const MB = 2 ** 20;
const work = mkdtempSync(join(tmpdir(), "weightloom-direct-"));
afterAll(() => rmSync(work, { recursive: true }));

/** Whether files here can be written this way at all. */
async function isKnownHere(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const file = await open(emptyFile("asked"), constants.O_WRONLY | constants.O_DIRECT).catch(() => null);
  const done = await file?.write(memoryFor(0, MB), 0, MB, 0).catch(() => null);
  await file?.close();
  return done?.bytesWritten === MB;
}

/** Shared memory whose first byte is for offset `at` of a file; what is in it is the same for every caller. */
function memoryFor(at: number, bytes: number): Uint8Array<ArrayBuffer> {
  const part = createSpares(8 * MB, createArena()).take(bytes, at)!;
  for (let i = 0; i < bytes; i++) part[i] = (i * 2654435761 + at) >>> 13;
  return part;
}

function emptyFile(name: string): string {
  const path = join(work, name);
  writeFileSync(path, "");
  return path;
}

test("pieces of any size, from any memory, make the same file", async () => {
  let files = 0;
  const size = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 200_000, max: 900_000 }));
  const piece = fc.record({ size, isPlaced: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
      const folder = join(work, `f${files++}`);
      const sink = await diskFolder(folder).create("model.safetensors");
      const all: Uint8Array[] = [];
      let at = 0;
      for (const { size, isPlaced } of pieces) {
        const bytes = memoryFor(isPlaced ? 8 * Math.ceil(at / 8) : 64, size);
        all.push(bytes.slice());
        await sink.write(bytes);
        at += size;
      }
      await sink.close();
      expect(readFileSync(join(folder, "model.safetensors")).equals(Buffer.concat(all))).toBe(true);
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 25 },
  );
});

test("whole pages are written, and only those", async () => {
  const path = emptyFile("pages");
  const direct = directWriter(path);
  const at = 3 * PAGE + 1800;
  const bytes = memoryFor(at, MB + 500);
  const { from, to } = await direct.write(bytes, at);
  await direct.close();
  if (!(await isKnownHere())) {
    expect([from, to]).toEqual([0, 0]);
    return;
  }
  expect(from).toBe(PAGE - 1800);
  expect((at + to) % PAGE).toBe(0);
  expect(bytes.length - to).toBeLessThan(PAGE);
  const file = readFileSync(path);
  expect(file.subarray(at + from).equals(bytes.subarray(from, to))).toBe(true);
});

describe("nothing is written", () => {
  const NONE = { from: 0, to: 0 };

  test.each([
    ["memory that one thread has to itself", 0, new Uint8Array(MB)],
    ["pages of the file that are not pages of memory", 64, memoryFor(0, MB)],
    ["little", 0, memoryFor(0, 100_000)],
  ])("of %s", async (_, at, bytes) => {
    const direct = directWriter(emptyFile("none"));
    expect(await direct.write(bytes, at)).toEqual(NONE);
    await direct.close();
  });

  test("where the file cannot be opened this way, and it is not tried again", async () => {
    let asked = 0;
    const direct = directWriter("any", async () => {
      asked++;
      throw new Error("not here");
    });
    for (let i = 0; i < 3; i++) expect(await direct.write(memoryFor(0, MB), 0)).toEqual(NONE);
    await direct.close();
    expect(asked).toBe(process.platform === "linux" ? 1 : 0);
  });
});

describe.runIf(process.platform === "linux")("what goes wrong while writing", () => {
  const failing = (code: string) => {
    let asked = 0;
    const direct = directWriter(emptyFile("failing"), async (path) => {
      const file = await open(path, "r+");
      return Object.assign(file, {
        write: async () => {
          asked++;
          throw Object.assign(new Error(code), { code });
        },
      });
    });
    return { direct, asked: () => asked };
  };

  test("a disk that asks for something else gets it the other way from then on", async () => {
    const { direct, asked } = failing("EINVAL");
    for (let i = 0; i < 3; i++) expect(await direct.write(memoryFor(0, MB), 0)).toEqual({ from: 0, to: 0 });
    await direct.close();
    expect(asked()).toBe(1);
  });

  test("a disk that is full says so", async () => {
    const { direct } = failing("ENOSPC");
    await expect(direct.write(memoryFor(0, MB), 0)).rejects.toThrow("ENOSPC");
    await direct.close();
  });
});
