/** Rows of a survey, packed and unpacked. */
import { expect, test } from "vitest";
import { packed, unpacked } from "../../app/state/packed.ts";
import type { SurveyRow } from "../../workers/api.ts";

const row = (name: string, by: number): SurveyRow => ({
  name,
  apart: null,
  moves: {
    elements: by,
    looked: by + 1,
    square: by + 2,
    sum: -by,
    zeros: 0,
    models: [1, 2, 3].map((i) => ({ change: by * i, own: i, dot: by / i, both: i + 7, flips: i - 1 })),
    pairs: [1, 2, 3].map((i) => ({ dot: -i, both: by + i, conflicts: i })),
  },
});

test("what is packed comes back as it was, also what could not be compared", () => {
  const rows: SurveyRow[] = [row("a", 0.1), { name: "ids", moves: null, apart: "I64" }, row("b", 1e300)];
  expect(unpacked(packed(rows))).toEqual(rows);
  expect(unpacked(packed([]))).toEqual([]);
  expect(unpacked(packed([{ name: "ids", moves: null, apart: "missing" }]))).toHaveLength(1);
});
