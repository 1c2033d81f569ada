/** `npm run bench -- speed`: methods side by side on one 0.5 B family, interleaved with a plain copy of the same bytes. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFamily } from "./checkpoints.mjs";
import { RECIPES } from "./recipes.mjs";
import { median, merge } from "./run.mjs";

/** @param only names of methods; all when empty. linear is always there, to compare with. */
export async function speedBench(root, { size = "0.5B", rounds = 3, only = [] } = {}) {
  const chosen = Object.entries(RECIPES).filter(
    ([name]) => only.length === 0 || name === "linear" || only.includes(name),
  );
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
      // The first merge after the copy pays for what the disk still has to write: it runs once more, uncounted.
      for (const [turn, [method, text]] of [chosen[0], ...chosen].entries()) {
        const result = await merge(root, work, text);
        if (turn > 0) add(method, result.seconds);
        details.set(method, {
          peak: Math.max(result.peak, details.get(method)?.peak ?? 0),
          written: result.report.writtenBytes,
          read: result.report.readBytes,
        });
      }
    }
    return [...seconds].map(([name, values]) => ({ name, seconds: median(values), bytes, ...details.get(name) }));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
