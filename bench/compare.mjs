/**
 * `npm run bench -- compare`: the same recipes on the same files, turn about: the least reading and writing can take, the
 * command line on the CPU and, where there is one, on a GPU, the studio in Chromium, and mergekit.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFamily } from "./checkpoints.mjs";
import { ensureMergekit, mergekitArgs } from "./mergekit.mjs";
import { modelsOf, RECIPES } from "./recipes.mjs";
import { median, merge, timed } from "./run.mjs";
import { openStudio } from "./studio.mjs";

const METHODS = [
  "linear",
  "slerp",
  "task_arithmetic",
  "ties",
  "dare_ties",
  "della",
  "model_stock",
  "breadcrumbs",
  "passthrough",
];
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|\bcpu\b/i;

/**
 * @param only names of methods; the nine above when empty
 * @returns a row per method: of each way its seconds (median of the rounds) and peak memory; `gpu` names the adapter
 */
export async function compareBench(root, { size = "0.5B", rounds = 3, only = [] } = {}) {
  const methods = only.length === 0 ? METHODS : only;
  const work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "weightloom-bench-"));
  const python = ensureMergekit();
  let studio = null;
  try {
    const bytes = makeFamily(work, size, 2);
    studio = await openStudio(["base", "a", "b"].map((name) => join(work, name)));
    const measured = new Map();
    const add = (method, way, { seconds, peak, ...rest }) => {
      const ways = measured.get(method) ?? {};
      measured.set(method, ways);
      const before = ways[way] ?? { all: [], peak: 0 };
      ways[way] = { ...rest, all: [...before.all, seconds], peak: Math.max(before.peak, peak ?? 0) };
      console.error(`${method}, ${way}: ${seconds.toFixed(2)} s`);
    };
    const out = join(work, "out");
    // Nobody waits for what another one wrote: mergekit, for one, does not wait for the disk itself.
    const settle = () => spawnSync("sync");
    const done = async (command, args) => {
      settle();
      const result = await timed(command, args, { cwd: work });
      rmSync(out, { recursive: true, force: true });
      if (result.code !== 0) throw new Error(`${args.join(" ")} failed: ${result.errors.slice(-2000)}`);
      return result;
    };

    const gpu = await gpuName(root, work);
    for (let round = 0; round < rounds; round++) {
      for (const method of methods) {
        const text = RECIPES[method];
        const recipe = join(work, `${method}.yml`);
        writeFileSync(recipe, text);
        const inputs = modelsOf(text).map((name) => join(work, name, "model.safetensors"));
        const { seconds } = await done(process.execPath, [join(root, "bench/floor.mjs"), out, ...inputs]);
        add(method, "floor", { seconds });
        settle();
        const { seconds: own, peak, report } = await merge(root, work, text);
        add(method, "cpu", { seconds: own, peak, planned: report.memoryBytes });
        settle();
        if (gpu !== null && (!SOFTWARE.test(gpu) || (round === 0 && method === "linear")))
          add(method, "gpu", { seconds: (await merge(root, work, text, "gpu")).seconds });
        settle();
        if (studio !== null) add(method, "studio", await studio.merge(text));
        if (python !== null && round === 0) add(method, "mergekit", await done(python, mergekitArgs(recipe, out)));
      }
    }
    const rows = methods.map((method) => {
      const ways = measured.get(method);
      const settled = Object.entries(ways).map(([way, { all, ...rest }]) => [way, { ...rest, seconds: median(all) }]);
      return { method, ...Object.fromEntries(settled) };
    });
    return { size, bytes, rounds, gpu, rows };
  } finally {
    await studio?.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** The adapter's name, or null where there is none. */
async function gpuName(root, work) {
  try {
    return (await merge(root, work, RECIPES.passthrough, "gpu")).report.engine.name;
  } catch {
    return null;
  }
}

/** The table, in Markdown. */
export function compareTable({ rows, bytes }) {
  const seconds = (way) => (way === undefined ? "" : way.seconds.toFixed(2));
  const times = (value) => (Number.isFinite(value) ? `${value.toFixed(1)}x` : "");
  const mb = (way) => (way?.peak > 0 ? `${(way.peak / 1e6).toFixed(0)} MB` : "");
  const lines = rows.map(({ method, floor, cpu, gpu, studio, mergekit }) => [
    method,
    seconds(floor),
    seconds(cpu),
    times(cpu.seconds / floor.seconds),
    (bytes / cpu.seconds / 1e9).toFixed(2),
    times(mergekit?.seconds / cpu.seconds),
    mb(cpu),
    cpu.peak > 0 ? `${(cpu.planned / 1e6).toFixed(0)} MB` : "",
    seconds(gpu),
    seconds(studio),
    times(mergekit?.seconds / studio?.seconds),
    mb(studio),
    seconds(mergekit),
    mb(mergekit),
  ]);
  const head = [
    "method",
    "floor, s",
    "CLI, s",
    "to the floor",
    "GB/s out",
    "mergekit's time to it",
    "memory",
    "planned",
    "GPU, s",
    "studio, s",
    "mergekit's time to it",
    "tab's memory",
    "mergekit, s",
    "memory",
  ];
  const row = (cells) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...lines.map(row)].join("\n");
}
