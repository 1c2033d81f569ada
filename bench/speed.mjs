/** `npm run bench -- speed`: methods side by side on one 0.5 B family, interleaved with a plain copy of the same bytes. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFamily } from "./checkpoints.mjs";
import { timed } from "./run.mjs";

const TWO =
  "models:\n  - model: a\n    parameters: {weight: 0.5, DENSITY}\n  - model: b\n    parameters: {weight: 0.5, DENSITY}\n";
const withDensity = (density) => TWO.replaceAll(", DENSITY", density === null ? "" : `, density: ${density}`);

const RECIPES = {
  passthrough: "merge_method: passthrough\nmodels:\n  - model: a\n",
  linear: `merge_method: linear\n${withDensity(null)}`,
  slerp: "merge_method: slerp\nbase_model: a\nmodels:\n  - model: b\nparameters: {t: 0.5}\n",
  task_arithmetic: `merge_method: task_arithmetic\nbase_model: base\n${withDensity(null)}`,
  ties: `merge_method: ties\nbase_model: base\n${withDensity(0.5)}`,
  dare_ties: `merge_method: dare_ties\nbase_model: base\n${withDensity(0.5)}`,
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export async function speedBench(root, { size = "0.5B", rounds = 3, engines = ["cpu"] } = {}) {
  const work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "weightloom-bench-"));
  try {
    const bytes = makeFamily(work, size, 2);
    const seconds = new Map();
    const details = new Map();
    const add = (name, value) => seconds.set(name, [...(seconds.get(name) ?? []), value]);
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      copyFileSync(join(work, "a/model.safetensors"), join(work, "copy.safetensors"));
      add("copy of one model (cp)", (performance.now() - started) / 1000);
      rmSync(join(work, "copy.safetensors"));
      for (const engine of engines) {
        for (const [method, text] of Object.entries(RECIPES)) {
          const recipe = join(work, `${method}.yml`);
          writeFileSync(recipe, text);
          const out = join(work, "out");
          const result = await timed(
            process.execPath,
            [join(root, "bin/weightloom.mjs"), "merge", recipe, out, "--engine", engine, "--json"],
            { cwd: work },
          );
          if (result.code !== 0) throw new Error(`${method} failed: ${result.errors}`);
          const report = JSON.parse(result.output.trim().split("\n").at(-1));
          const name = `${method} (${engine})`;
          add(name, result.seconds);
          details.set(name, {
            peak: Math.max(result.peak, details.get(name)?.peak ?? 0),
            written: report.writtenBytes,
            read: report.readBytes,
          });
          rmSync(out, { recursive: true });
        }
      }
    }
    return [...seconds].map(([name, values]) => ({ name, seconds: median(values), bytes, ...details.get(name) }));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
