/** Memory that is used again: parts never overlap, and whatever was lent and given back in any order is whole again. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isShared } from "../../core/bytes/shared.ts";
import { createArena } from "../../core/engine/cpu/arena.ts";
import { createSpares } from "../../core/run/spares.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const MB = 2 ** 20;

describe("of an engine's memory", () => {
  test("parts of any sizes never overlap, and all come together again", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            size: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 65536, max: 3 * MB })),
            back: fc.nat(20),
            at: fc.option(fc.nat(1e9), { nil: undefined }),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const spares = createSpares(8 * MB, createArena());
          const held: Bytes[] = [];
          for (const { size, back, at } of steps) {
            const taken = spares.take(size, at);
            if (taken !== undefined) {
              expect(taken.length).toBe(size);
              if (at === undefined || at % 8 > 0 || size < 65536) expect(taken.byteOffset % 64).toBe(0);
              else expect(taken.byteOffset % 4096).toBe(at % 4096);
              // 64 bytes behind a part belong to it.
              for (const other of held) {
                const apart =
                  taken.byteOffset >= other.byteOffset + other.length + 64 ||
                  other.byteOffset >= taken.byteOffset + taken.length + 64;
                expect(apart).toBe(true);
              }
              held.push(taken);
            } else expect(held.length).toBeGreaterThan(0);
            for (const one of held.splice(0, back % 3)) spares.give(one.subarray(0, 100));
          }
          for (const one of held) spares.give(one);
          expect(spares.take(9 * MB)?.length).toBe(9 * MB);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("are taken where they fit most closely, so that large gaps stay", () => {
    const spares = createSpares(8 * MB, createArena());
    const [a, , c] = [spares.take(3 * MB)!, spares.take(MB)!, spares.take(MB)!, spares.take(MB)!];
    spares.give(a);
    spares.give(c);
    expect(spares.take(MB)?.byteOffset).toBe(c.byteOffset);
    expect(spares.take(3 * MB)?.byteOffset).toBe(a.byteOffset);
  });

  test("foreign and doubled gifts are ignored", () => {
    const spares = createSpares(MB, createArena());
    const part = spares.take(MB)!;
    expect(isShared(part)).toBe(true);
    expect(spares.take(MB)).toBeUndefined();
    spares.give(new Uint8Array(MB));
    expect(spares.take(MB)).toBeUndefined();
    spares.give(part);
    spares.give(part);
    expect(spares.take(MB)?.byteOffset).toBe(part.byteOffset);
    expect(spares.take(MB)).toBeUndefined();
  });

  test("go back at the end, unless some are still out", () => {
    const arena = createArena();
    const spares = createSpares(MB, arena);
    const part = spares.take(MB)!;
    spares.give(part);
    spares.end();
    expect(createSpares(MB, arena).take(MB)?.byteOffset).toBe(part.byteOffset);
  });

  test("there is less where there is not as much", () => {
    const asked: number[] = [];
    const arena = createArena();
    const scarce = {
      ...arena,
      take: (bytes: number) => {
        asked.push(bytes);
        return bytes > 3 * MB ? undefined : arena.take(bytes);
      },
    };
    expect(createSpares(8 * MB, scarce).take(2 * MB)).toBeDefined();
    expect(asked).toEqual([10 * MB, 5 * MB, 2.5 * MB]);
    expect(createSpares(100e9, { ...arena, take: (bytes) => void asked.push(bytes) }).take(MB)).toBeUndefined();
    expect(asked[3]).toBe(3 * 2 ** 30);
  });
});

test("without such memory, a buffer serves again for what is nearly as large", () => {
  const spares = createSpares(8 * MB, null);
  expect(spares.take(MB)).toBeUndefined();
  const own = new Uint8Array(MB);
  spares.give(own);
  expect(spares.take(MB / 4)).toBeUndefined();
  expect(spares.take(0.9 * MB)?.buffer).toBe(own.buffer);
});
