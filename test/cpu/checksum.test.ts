/** Checksums: the same from JavaScript and from the kernel, put together from any parts, and different for any change. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { checksumOf, groupsIn, joined, NOTHING, toHex } from "../../core/bytes/checksum.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { lookingAt } from "../../core/run/soundness.ts";
import { loadKernels } from "./kernels.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createLocalEngine(await loadKernels());
});

const bytesOf = (most: number) =>
  fc.uint8Array({ minLength: 0, maxLength: most }).map((bytes) => Uint8Array.from(bytes));

test("parts of whole groups add up", () => {
  fc.assert(
    fc.property(bytesOf(500), fc.nat(31), fc.nat(31), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b) * 16, Math.max(a, b) * 16];
      const parts = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)].map(checksumOf);
      expect(parts.reduce(joined, NOTHING)).toEqual(checksumOf(bytes));
    }),
  );
});

test("any changed byte, any two groups that change places", () => {
  fc.assert(
    fc.property(bytesOf(300), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, by) => {
      fc.pre(bytes.length > 0);
      const other = bytes.slice();
      other[at % bytes.length]! ^= by;
      expect(toHex(checksumOf(other))).not.toBe(toHex(checksumOf(bytes)));
    }),
  );
  const groups = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255);
  const swapped = new Uint8Array([...groups.subarray(16, 32), ...groups.subarray(0, 16), ...groups.subarray(32)]);
  expect(toHex(checksumOf(swapped))).not.toBe(toHex(checksumOf(groups)));
});

test.each(["BF16", "F32", "F64", "F8_E4M3"] as const)("%s: the kernel agrees, whatever the length", async (dtype) => {
  const size = { BF16: 2, F32: 4, F64: 8, F8_E4M3: 1 }[dtype];
  for (const count of [1, 7, 8, 1023, 1024, 4099, 70_001]) {
    const bytes = Uint8Array.from({ length: count * size }, (_, i) => (i * 131 + (i >> 5)) & 255);
    const expected = checksumOf(bytes);
    const { checksum } = await engine.run(lookingAt("x", dtype, bytes));
    expect(toHex({ words: checksum!, groups: groupsIn(bytes.length) })).toBe(toHex(expected));
  }
});
