/** Blobs as sources: whatever way bytes are read, they are the blob's. */
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBlob } from "../../core/bytes/blob.ts";

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >> 8));

/** A blob that counts how it is read. */
function counted(content = bytes) {
  const calls = { streams: 0, slices: 0 };
  const blob = new Blob([content]);
  const slice = blob.slice.bind(blob);
  blob.slice = (...range) => {
    const part = slice(...range);
    const [stream, whole] = [part.stream.bind(part), part.arrayBuffer.bind(part)];
    part.stream = () => {
      calls.streams++;
      return stream();
    };
    part.arrayBuffer = () => {
      calls.slices++;
      return whole();
    };
    return part;
  };
  return { blob, calls };
}

test("what was announced side by side is one stream, into memory that is given", async () => {
  const { blob, calls } = counted();
  const source = fromBlob("a", blob);
  source.expect?.([{ start: 100, end: 90_000 }]);
  source.expect?.([{ start: 90_000, end: 250_000 }]);
  const into = new Uint8Array(70_000);
  const given = into.buffer;
  const first = await source.read({ start: 100, end: 60_100 }, undefined, into);
  expect(first).toEqual(bytes.subarray(100, 60_100));
  expect(given.byteLength).toBe(0);
  const rest = await Promise.all([
    source.read({ start: 60_100, end: 90_000 }),
    source.read({ start: 90_000, end: 90_001 }),
    source.read({ start: 90_001, end: 250_000 }),
  ]);
  expect(Buffer.concat(rest).equals(bytes.subarray(60_100, 250_000))).toBe(true);
  expect(calls).toEqual({ streams: 1, slices: 0 });
});

test("a second sweep is a second stream; what nobody announced is a slice and disturbs none", async () => {
  const { blob, calls } = counted();
  const source = fromBlob("a", blob);
  for (let sweep = 0; sweep < 2; sweep++) source.expect?.([{ start: 0, end: 200_000 }]);
  await source.read({ start: 0, end: 100_000 });
  expect(await source.read({ start: 5, end: 9 })).toEqual(bytes.subarray(5, 9));
  await source.read({ start: 100_000, end: 200_000 });
  await source.read({ start: 0, end: 100_000 });
  expect(calls).toEqual({ streams: 2, slices: 1 });
  source.expect?.(null);
  expect(await source.read({ start: 100_000, end: 200_000 })).toEqual(bytes.subarray(100_000, 200_000));
  expect(calls).toEqual({ streams: 2, slices: 2 });
});

test("short spans are sliced, at the beginning of a long one and in the middle of it, and cost no stream its place", async () => {
  const { blob, calls } = counted();
  const source = fromBlob("a", blob);
  const spots = [0, 50_000, 120_000].map((start) => ({ start, end: start + 8000 }));
  source.expect?.([{ start: 150_000, end: 250_000 }, ...spots, { start: 0, end: 200_000 }]);
  const reads = [
    { start: 150_000, end: 200_000 },
    ...spots,
    { start: 200_000, end: 250_000 },
    { start: 0, end: 100_000 },
    { start: 100_000, end: 200_000 },
  ];
  const found = await Promise.all(reads.map((range) => source.read(range)));
  reads.forEach(({ start, end }, i) => {
    expect(found[i]).toEqual(bytes.subarray(start, end));
  });
  expect(calls).toEqual({ streams: 2, slices: 3 });
});

test("a stream that is left while reads of it wait gives them their bytes", async () => {
  const { blob, calls } = counted();
  const source = fromBlob("a", blob);
  for (const range of [
    { start: 0, end: 100_000 },
    { start: 150_000, end: 250_000 },
  ])
    source.expect?.([range]);
  const reads = [
    { start: 0, end: 60_000 },
    { start: 60_000, end: 100_000 },
    { start: 150_000, end: 200_000 },
    { start: 200_000, end: 250_000 },
  ];
  const found = await Promise.all(reads.map((range) => source.read(range)));
  reads.forEach(({ start, end }, i) => {
    expect(found[i]).toEqual(bytes.subarray(start, end));
  });
  expect(calls).toEqual({ streams: 2, slices: 0 });
});

test("any order of announcing and reading gives the blob's bytes", async () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3000 }))
    // Some spans are long enough for a stream, some are not.
    .map(([a, b]) => ({ start: 97 * Math.min(a, b), end: 97 * Math.max(a, b) }));
  await fc.assert(
    fc.asyncProperty(fc.array(range), fc.array(range), async (announced, others) => {
      const source = fromBlob("a", new Blob([bytes]));
      source.expect?.(announced);
      const reads = [...announced, ...others];
      const found = await Promise.all(reads.map((one) => source.read(one)));
      reads.forEach(({ start, end }, i) => {
        expect(Buffer.compare(found[i]!, bytes.subarray(start, end))).toBe(0);
      });
      await source.close?.();
    }),
    { numRuns: 60 },
  );
});

test("a file that changed under the stream is a sentence", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weightloom-"));
  try {
    const path = join(folder, "model.safetensors");
    await writeFile(path, bytes);
    const source = fromBlob("model.safetensors", await openAsBlob(path));
    source.expect?.([{ start: 0, end: 300_000 }]);
    await source.read({ start: 0, end: 100 });
    await truncate(path, 5000);
    await expect(source.read({ start: 100, end: 300_000 })).rejects.toThrow(
      /model\.safetensors: reading bytes 100 to 300,000 failed .*add it again/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a cancelled run reads nothing more", async () => {
  const source = fromBlob("a", new Blob([bytes]));
  source.expect?.([{ start: 0, end: 1000 }]);
  await expect(source.read({ start: 0, end: 100 }, AbortSignal.abort())).rejects.toThrow(/abort/i);
});

test("a stream fills memory that threads share, too", async () => {
  const { blob, calls } = counted();
  const source = fromBlob("a", blob);
  source.expect?.([{ start: 7, end: 200_007 }]);
  const room = new Uint8Array(new SharedArrayBuffer(150_100), 100) as unknown as Uint8Array<ArrayBuffer>;
  const first = await source.read({ start: 7, end: 120_007 }, undefined, room);
  expect(first.buffer).toBe(room.buffer);
  expect(first.byteOffset).toBe(100);
  expect(Buffer.compare(first, bytes.subarray(7, 120_007))).toBe(0);
  const second = await source.read({ start: 120_007, end: 200_007 }, undefined, room);
  expect(Buffer.compare(second, bytes.subarray(120_007, 200_007))).toBe(0);
  expect(calls).toEqual({ streams: 1, slices: 0 });
});
