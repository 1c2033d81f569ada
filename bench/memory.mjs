/**
 * `npm run bench -- memory`: pairs of sparse checkpoints, far larger than the memory a merge may take, through the command
 * line, and what it took. The result is written in full: the largest pair is left out where the disk has no room for it.
 */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSparse } from "./checkpoints.mjs";
import { merge } from "./run.mjs";

const RECIPES = {
  linear:
    "merge_method: linear\nmodels:\n  - model: base\n    parameters: {weight: 0.5}\n  - model: a\n    parameters: {weight: 0.5}\n",
  slerp: "merge_method: slerp\nbase_model: base\nmodels:\n  - model: a\nparameters: {t: [0, 0.5, 1]}\n",
  ties: "merge_method: ties\nbase_model: base\nmodels:\n  - model: a\n    parameters: {weight: 1, density: 0.5}\n",
};

export async function memoryBench(root) {
  const place = process.env.BENCH_DIR ?? tmpdir();
  const rows = [];
  for (const [size, methods] of [
    ["14GB", ["linear", "slerp", "ties"]],
    ["60GB", ["ties"]],
  ]) {
    const { bavail, bsize } = statfsSync(place);
    if (bavail * bsize < 1.1e9 * Number.parseInt(size, 10)) {
      console.error(`${size} is left out: ${place} has ${((bavail * bsize) / 1e9).toFixed(0)} GB free.`);
      continue;
    }
    const work = mkdtempSync(join(place, "weightloom-bench-"));
    try {
      makeSparse(join(work, "base"), size);
      makeSparse(join(work, "a"), size);
      for (const method of methods) {
        const { seconds, peak, report } = await merge(root, work, RECIPES[method]);
        rows.push({ method, size, seconds, peak, written: report.writtenBytes, buffers: report.peakBytes });
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return rows;
}
