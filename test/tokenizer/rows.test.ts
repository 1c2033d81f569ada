/** A matrix gathered from others: every range of bytes is what the whole says, and neighbours are read together. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { type Matrix, type RowRecipe, rowSource, runsOf } from "../../core/bytes/rows.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";

const COLUMNS = 5;
const START = 24;

/** Whole numbers up to 255, which every type holds exactly. */
const value = (matrix: number, row: number, column: number) => ((matrix * 7 + row * COLUMNS + column) % 128) * 2;

function matrix(number: number, rows: number, dtype: OutputDtype): Matrix {
  const values = Float32Array.from({ length: rows * COLUMNS }, (_, i) =>
    value(number, Math.floor(i / COLUMNS), i % COLUMNS),
  );
  const bytes = encode(dtype, values);
  const whole = new Uint8Array(START + bytes.length);
  whole.set(bytes, START);
  return { source: fromBytes(`m${number}`, whole), start: START, dtype, rows };
}

const dtypes = fc.constantFrom<OutputDtype>("F32", "F16", "BF16");
const ROWS = 12;

test("any range of any arrangement", async () => {
  const part = fc.record({ matrix: fc.nat(1), row: fc.nat(ROWS - 1) });
  await fc.assert(
    fc.asyncProperty(
      dtypes,
      fc.tuple(dtypes, dtypes),
      fc.array(fc.array(part, { maxLength: 3 }), { minLength: 1, maxLength: 40 }),
      fc.nat(3),
      fc.nat(10_000),
      fc.nat(10_000),
      async (dtype, stored, arrangement, padding, a, b) => {
        const matrices = stored.map((one, i) => matrix(i, ROWS, one));
        const recipes: RowRecipe[] = arrangement.map((parts) =>
          parts.map((one) => ({ matrix: matrices[one.matrix]!, row: one.row })),
        );
        const source = rowSource(
          "gathered",
          dtype,
          COLUMNS,
          runsOf([...recipes, ...Array<"mean">(padding).fill("mean")]),
        );
        const rows = arrangement.map((parts) =>
          Array.from({ length: COLUMNS }, (_, c) =>
            parts.length === 0
              ? 0
              : Math.fround(parts.reduce((sum, one) => sum + value(one.matrix, one.row, c), 0) / parts.length),
          ),
        );
        const exact = encode(dtype, Float32Array.from(rows.flat()));
        const stored_ = [...decodeRows(dtype, exact, rows.length)];
        const mean = Array.from(
          { length: COLUMNS },
          (_, c) => stored_.reduce((sum, row) => sum + row[c]!, 0) / rows.length,
        );
        const tail = encode(dtype, Float32Array.from(Array.from({ length: padding }, () => mean).flat()));
        const whole = new Uint8Array([...exact, ...tail]);
        expect(source.size).toBe(whole.length);
        const [start, end] = [a % (whole.length + 1), b % (whole.length + 1)].sort((x, y) => x - y) as [number, number];
        const into = a % 2 === 0 ? new Uint8Array(whole.length).fill(255) : undefined;
        expect([...(await source.read({ start, end }, undefined, into))]).toEqual([...whole.subarray(start, end)]);
      },
    ),
    { numRuns: 300 },
  );
});

function* decodeRows(dtype: OutputDtype, bytes: Uint8Array, rows: number): Generator<number[]> {
  const values = decode(dtype, bytes);
  for (let r = 0; r < rows; r++) yield [...values.subarray(r * COLUMNS, (r + 1) * COLUMNS)];
}

test("rows in file order are one read, whatever order they are wanted in", async () => {
  const reads: [number, number][] = [];
  const stored = matrix(0, 1000, "BF16");
  const counting: ByteSource = {
    ...stored.source,
    read: (range, signal) => {
      reads.push([range.start, range.end]);
      return stored.source.read(range, signal);
    },
  };
  const counted = { ...stored, source: counting };
  const backwards: RowRecipe[] = Array.from({ length: 1000 }, (_, i) => [{ matrix: counted, row: 999 - i }]);
  const source = rowSource("backwards", "BF16", COLUMNS, runsOf(backwards));
  const bytes = await source.read({ start: 0, end: source.size });
  expect(reads).toEqual([[START, START + 1000 * COLUMNS * 2]]);
  expect([...bytes.subarray(0, 10)]).toEqual([
    ...(await stored.source.read({ start: START + 9990, end: START + 10_000 })),
  ]);
});

test("the identity is one run, read straight from the file", () => {
  const stored = matrix(0, 500, "F32");
  expect(runsOf(Array.from({ length: 500 }, (_, row) => [{ matrix: stored, row }]))).toHaveLength(1);
});
