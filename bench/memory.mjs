/** `npm run bench -- memory`: a sparse pair of 8 GB checkpoints through the command line, and what it took. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSparse } from "./checkpoints.mjs";
import { timed } from "./run.mjs";

export async function memoryBench(root) {
  const work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "weightloom-bench-"));
  const rows = [];
  try {
    const bytes = makeSparse(join(work, "base"), "8GB");
    makeSparse(join(work, "a"), "8GB");
    const recipes = {
      linear:
        "merge_method: linear\nmodels:\n  - model: base\n    parameters: {weight: 0.5}\n  - model: a\n    parameters: {weight: 0.5}\n",
      slerp: "merge_method: slerp\nbase_model: base\nmodels:\n  - model: a\nparameters: {t: [0, 0.5, 1]}\n",
      ties: "merge_method: ties\nbase_model: base\nmodels:\n  - model: a\n    parameters: {weight: 1, density: 0.5}\n",
    };
    for (const [method, text] of Object.entries(recipes)) {
      const recipe = join(work, `${method}.yml`);
      writeFileSync(recipe, text);
      const out = join(work, `out-${method}`);
      const result = await timed(
        process.execPath,
        [join(root, "bin/weightloom.mjs"), "merge", recipe, out, "--engine", "cpu", "--json"],
        { cwd: work },
      );
      if (result.code !== 0) throw new Error(`${method} failed: ${result.errors}`);
      const report = JSON.parse(result.output.trim().split("\n").at(-1));
      rows.push({
        method,
        inputs: 2 * bytes,
        seconds: result.seconds,
        written: report.writtenBytes,
        peak: result.peak,
        buffers: report.peakBytes,
      });
      rmSync(out, { recursive: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return rows;
}
