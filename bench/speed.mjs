/** `npm run bench -- speed`: methods side by side on one 0.5 B family, interleaved with a plain copy of the same bytes. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFamily } from "./checkpoints.mjs";
import { timed } from "./run.mjs";

/** Models of a recipe, each with these parameters. */
const models = (names, parameters = "") =>
  `models:\n${names.map((name) => `  - model: ${name}\n${parameters === "" ? "" : `    parameters: {${parameters}}\n`}`).join("")}`;
const based = (method, parameters = "", rest = "") =>
  `merge_method: ${method}\nbase_model: base\n${models(["a", "b"], parameters)}${rest}`;
/** Of two models, one is the base. */
const onto = (method, rest = "") => `merge_method: ${method}\nbase_model: a\n${models(["b"])}${rest}`;
const thinned = "weight: 0.5, density: 0.5";

/** Every method on one pair of fine-tunes, with their base where the method has one. */
const RECIPES = {
  linear: `merge_method: linear\n${models(["a", "b"], "weight: 0.5")}`,
  slerp: onto("slerp", "parameters: {t: 0.5}\n"),
  nuslerp: `merge_method: nuslerp\n${models(["a", "b"], "weight: 0.5")}`,
  multislerp: `merge_method: multislerp\n${models(["a", "b"], "weight: 0.5")}`,
  karcher: `merge_method: karcher\n${models(["a", "b"])}`,
  model_stock: based("model_stock"),
  task_arithmetic: based("task_arithmetic", "weight: 0.5"),
  ties: based("ties", thinned),
  dare_linear: based("dare_linear", thinned),
  dare_ties: based("dare_ties", thinned),
  della: based("della", thinned),
  della_linear: based("della_linear", thinned),
  breadcrumbs: based("breadcrumbs", thinned),
  breadcrumbs_ties: based("breadcrumbs_ties", thinned),
  sce: based("sce", "", "parameters: {select_topk: 0.5}\n"),
  consensus_ta: based("consensus_ta"),
  emr: based("emr"),
  magmax: based("magmax"),
  median: based("median"),
  pcb: based("pcb"),
  neuromerging: based("neuromerging"),
  ram: based("ram"),
  ramplus_tl: based("ramplus_tl"),
  arcee_fusion: onto("arcee_fusion"),
  nearswap: onto("nearswap", "parameters: {t: 0.001}\n"),
  passthrough: `merge_method: passthrough\n${models(["a"])}`,
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** @param only names of methods; all when empty. linear is always there, to compare with. */
export async function speedBench(root, { size = "0.5B", rounds = 3, engines = ["cpu"], only = [] } = {}) {
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
      for (const engine of engines) {
        // The first merge after the copy pays for what the disk still has to write: it runs once more, uncounted.
        for (const [turn, [method, text]] of [chosen[0], ...chosen].entries()) {
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
          if (turn > 0) add(name, result.seconds);
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
