/** The kernels' search against sorting: lists in shared memory and elsewhere, of any length, with and without signs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createArena } from "../../core/engine/cpu/arena.ts";
import { createLane } from "../../core/engine/cpu/lane.ts";
import { plainSearch } from "../../core/graph/search.ts";
import { loadKernels } from "./kernels.ts";

const arena = createArena();
const region = arena.take(2 ** 20)!;
const shared = (await createLane(await loadKernels("kernels.shared"), arena.memory)).search;
const own = (await createLane(await loadKernels())).search;

/** A copy in the shared memory, `at` words from where it begins. */
function inArena(list: Uint32Array, at: number): Uint32Array {
  const there = new Uint32Array(region.buffer, region.byteOffset + 4 * at, list.length);
  there.set(list);
  return there;
}

const signed = (bits: number, isNegative: boolean) => (isNegative ? (bits | 0x80000000) >>> 0 : bits);
const listOf = (low: number, high: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: low, max: high }), fc.boolean()), { maxLength: 300 })
    .map((all) => Uint32Array.from(all, ([bits, isNegative]) => signed(bits, isNegative)));

describe.each([
  { low: 0, high: 0x7fffffff },
  { low: 0x3f800000, high: 0x3f800005 },
  { low: 0x3f7fff00, high: 0x3f801234 },
  { low: 0x40000000, high: 0x40000000 },
])("magnitudes from $low to $high", ({ low, high }) => {
  test("the k-th largest of some lists, and how many are like it", () => {
    fc.assert(
      fc.property(
        fc.array(listOf(low, high), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
        (lists, places) => {
          const all = lists.reduce((sum, { length }) => sum + length, 0);
          fc.pre(all > 0);
          const ks = places.map((place) => 1 + (place % all));
          const wanted = plainSearch.largest(lists, ks, { low, high });
          const there = lists.map((list, i) => inArena(list, 1000 * i));
          for (const given of [lists, there, [there[0]!, ...lists.slice(1)]]) {
            expect(shared.largest(given, ks, { low, high })).toEqual(wanted);
          }
          expect(own.largest(lists, ks, { low, high })).toEqual(wanted);
          for (const { bits } of wanted) {
            const count = plainSearch.count(lists[0]!, bits);
            expect([shared.count(there[0]!, bits), shared.count(lists[0]!, bits)]).toEqual([count, count]);
            expect(own.count(lists[0]!, bits)).toBe(count);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("a long list, almost all of it equal", () => {
  const list = new Uint32Array(200_000).fill(0x3f000000);
  list[7] = 0x3f000001;
  list[199_999] = 0;
  const found = shared.largest([list], [1, 2, 200_000], { low: 0, high: 0x3f000001 });
  expect(found).toEqual([
    { bits: 0x3f000001, keep: 1, equal: 1 },
    { bits: 0x3f000000, keep: 1, equal: 199_998 },
    { bits: 0, keep: 1, equal: 1 },
  ]);
  expect(shared.count(list, 0x3f000000)).toBe(199_998);
});

test("no list and no place is no answer", () => {
  expect(shared.largest([], [], { low: 0, high: 9 })).toEqual([]);
});
