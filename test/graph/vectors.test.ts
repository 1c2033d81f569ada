/** Vectors on the host: tiles in any order, and where a tile's entries are cut from them. */
import { expect, test } from "vitest";
import type { Reduced } from "../../core/graph/passes.ts";
import { segmentsBefore } from "../../core/graph/program.ts";
import { columnSums, input, mapVector, rowSums } from "../../core/graph/tensor.ts";
import { createVectors, type Vectors } from "../../core/graph/vectors.ts";

const evaluate = () => 2;

test("segments are counted at row and block bounds, each bound once", () => {
  expect([1, 4096, 4097, 8192, 8193].map((end) => segmentsBefore(end, 4096))).toEqual([1, 1, 2, 2, 3]);
  expect([10, 11, 4096, 4097].map((end) => segmentsBefore(end, 10))).toEqual([1, 2, 410, 411]);
  expect(segmentsBefore(3 * 4096, 1_000_000)).toBe(3);
});

test("rows are put together from segments of tiles in any order", () => {
  // Rows of 3,000: segments of 3,000, 1,096 | 1,904, 2,192 | 808, 3,000, 288 | 2,712 elements, all of value 1.
  const vector = rowSums(input(0), 3000) as Reduced;
  const vectors = createVectors(15_000, evaluate);
  vectors.absorb(vector, 8192, 4096, Float64Array.of(808, 3000, 288));
  vectors.absorb(vector, 12_288, 2712, Float64Array.of(2712));
  vectors.absorb(vector, 0, 4096, Float64Array.of(3000, 1096));
  vectors.absorb(vector, 4096, 4096, Float64Array.of(1904, 2192));
  vectors.finish([vector]);
  expect([...vectors.table(vector, 4096, 4096)]).toEqual([3000, 3000]);
  expect([...vectors.table(vector, 0, 15_000)]).toEqual([3000, 3000, 3000, 3000, 3000]);
});

test("columns are added in the order of the tiles, and looked up from the tile's first", () => {
  const vector = columnSums(input(0), 5) as Reduced;
  const fill = (vectors: Vectors, order: readonly number[]) => {
    // Tiles of 4,096 elements: the second begins with column 1.
    const parts = [Float64Array.of(1e16, 1, 2, 3, 4), Float64Array.of(10, 20, 30, 40, 1), Float64Array.of(-1e16)];
    const firsts = [0, 4096, 8195];
    for (const t of order) vectors.absorb(vector, firsts[t]!, [4096, 4099, 1][t]!, parts[t]!);
    vectors.finish([vector]);
    return vectors;
  };
  const twice = mapVector((value, two) => value * two, vector, { type: "scalar", op: "constant", value: 0 });
  const some = [fill(createVectors(8196, evaluate), [0, 1, 2]), fill(createVectors(8196, evaluate), [2, 1, 0])];
  for (const vectors of some) {
    // 1e16 + 1 is 1e16 in f64: the order shows.
    expect([...vectors.table(vector, 0, 5)]).toEqual([0, 11, 22, 33, 44]);
    expect([...vectors.table(vector, 4096, 4)]).toEqual([11, 22, 33, 44]);
    expect([...vectors.table(vector, 4099, 4)]).toEqual([44, 0, 11, 22]);
    expect([...vectors.table(twice, 4096, 6)]).toEqual([22, 44, 66, 88, 0]);
  }
});

test("spots that lie one behind the other have the entries that their elements have", () => {
  const count = 15_000;
  for (const [vector, of] of [
    [rowSums(input(0), 70), (at: number) => Math.floor(at / 70)],
    [columnSums(input(0), 70), (at: number) => at % 70],
  ] as const) {
    const vectors = createVectors(count, evaluate);
    const length = vector.axis === "rows" ? Math.ceil(count / 70) : 70;
    vectors.recall(
      vector as Reduced,
      Float64Array.from({ length }, (_, i) => i),
    );
    const spots = [0, 128, 6912, 14_848];
    const elements = spots.flatMap((first) => Array.from({ length: 128 }, (_, i) => first + i));
    expect([...vectors.spread(vector, spots, 128)]).toEqual(elements.map(of));
    // Of more than two vectors and numbers, too.
    const three = mapVector((a, b, c) => a + 2 * b + c, vector, vector, { type: "scalar", op: "constant", value: 0 });
    expect([...vectors.spread(three, spots, 128)]).toEqual(elements.map((at) => 3 * of(at) + 2));
  }
});
