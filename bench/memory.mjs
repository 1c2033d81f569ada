/**
 * `npm run bench -- memory`: pairs of sparse checkpoints, far larger than the memory a merge may take, through the command
 * line, and what it took. The result is written in full: the largest pair is left out where the disk has no room for it.
 */
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSparse } from "./checkpoints.mjs";
import { timed } from "./run.mjs";

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
      for (const method of methods) rows.push({ method, size, ...(await mergeOnce(root, work, method)) });
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return rows;
}

async function mergeOnce(root, work, method) {
  writeFileSync(join(work, "recipe.yml"), RECIPES[method]);
  const args = [join(root, "bin/weightloom.mjs"), "merge", "recipe.yml", "out", "--engine", "cpu", "--json"];
  const result = await timed(process.execPath, args, { cwd: work });
  if (result.code !== 0) throw new Error(`${method} failed: ${result.errors}`);
  const report = JSON.parse(result.output.trim().split("\n").at(-1));
  rmSync(join(work, "out"), { recursive: true });
  return { seconds: result.seconds, written: report.writtenBytes, peak: result.peak, buffers: report.peakBytes };
}
