/** `npm run bench -- scale`: whether four times the bytes take four times as long. */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFamily } from "./checkpoints.mjs";
import { RECIPES } from "./recipes.mjs";
import { median, merge } from "./run.mjs";

export async function scaleBench(root, { methods = ["linear", "ties"], rounds = 3 } = {}) {
  const place = process.env.BENCH_DIR ?? tmpdir();
  const { bavail, bsize } = statfsSync(place);
  if (bavail * bsize < 30e9) throw new Error(`${place} has ${(bavail * bsize) / 1e9} GB free; scale needs 30.`);
  const work = mkdtempSync(join(place, "weightloom-bench-"));
  try {
    const sizes = ["0.5B", "2B"].map((size) => ({ size, bytes: makeFamily(join(work, size), size, 2) }));
    const rows = [];
    for (const method of methods) {
      const seconds = new Map();
      for (let round = 0; round < rounds; round++) {
        for (const { size } of sizes) {
          const result = await merge(root, join(work, size), RECIPES[method]);
          seconds.set(size, [...(seconds.get(size) ?? []), result.seconds]);
        }
      }
      for (const { size, bytes } of sizes) rows.push({ method, size, bytes, seconds: median(seconds.get(size)) });
    }
    return rows;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
