/**
 * `npm run bench [-- compare|speed|scale|memory|huge [METHOD ...]]`: measures on this machine and prints tables; see bench/README.md.
 * Results are kept in bench/results.json, each kind beside what was measured of the others before.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { compareBench, compareTable } from "../bench/compare.mjs";
import { hugeBench } from "../bench/huge.mjs";
import { memoryBench } from "../bench/memory.mjs";
import { scaleBench } from "../bench/scale.mjs";
import { speedBench } from "../bench/speed.mjs";
import { build } from "./build.mjs";
import { ensureInstalled, fail, root } from "./setup.mjs";

const KINDS = ["compare", "speed", "scale", "memory", "huge"];
const [which = "all", ...only] = process.argv.slice(2);
if (which !== "all" && !KINDS.includes(which))
  fail(`There is no bench "${which}". There are ${KINDS.join(", ")}; without a name all are run.`);
ensureInstalled();
await build("all", { quiet: true });

const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
const date = new Date().toISOString().slice(0, 10);
const place = process.env.BENCH_DIR ?? "the system's temporary folder";
const mb = (bytes) => (bytes === undefined ? "" : `${(bytes / 1e6).toFixed(0)} MB`);
console.log(`${machine}; files in ${place}; ${date}`);

const path = join(root, "bench/results.json");
const results = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
/** Measures one kind, keeps it and prints it. */
async function measure(kind, bench, print) {
  // The largest is measured only when it is asked for.
  if (which !== kind && (which !== "all" || kind === "huge")) return;
  const measured = await bench();
  results[kind] = { date, machine, place, measured };
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\n${print(measured)}`);
}
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

await measure("compare", () => compareBench(root, { only }), compareTable);
await measure(
  "speed",
  () => speedBench(root, { only }),
  (rows) => {
    const linear = rows.find(({ name }) => name === "linear")?.seconds ?? Number.NaN;
    return table(
      ["method", "seconds", "times linear", "GB/s written", "peak memory"],
      rows.map(({ name, seconds, bytes, written = bytes, peak }) => [
        name,
        seconds.toFixed(2),
        (seconds / linear).toFixed(1),
        (written / seconds / 1e9).toFixed(2),
        mb(peak),
      ]),
    );
  },
);
await measure(
  "scale",
  () => scaleBench(root),
  (rows) =>
    table(
      ["method", "model", "seconds", "seconds per GB"],
      rows.map(({ method, size, bytes, seconds }) => [
        method,
        size,
        seconds.toFixed(2),
        (seconds / (bytes / 1e9)).toFixed(2),
      ]),
    ),
);
await measure(
  "memory",
  () => memoryBench(root),
  (rows) =>
    table(
      ["method", "model, sparse", "seconds", "peak memory", "of which buffers"],
      rows.map(({ method, size, seconds, peak, buffers }) => [method, size, seconds.toFixed(1), mb(peak), mb(buffers)]),
    ),
);
await measure(
  "huge",
  () => hugeBench(root, { only }),
  (rows) =>
    table(
      [
        "method",
        "read",
        "written",
        "minutes",
        "peak memory",
        "values compared",
        "largest difference",
        "verify, minutes",
        "its peak",
      ],
      rows.map(({ method, read, written, seconds, peak, compared, worst, checkSeconds, checkPeak }) => [
        method,
        `${(read / 1e9).toFixed(0)} GB`,
        `${(written / 1e9).toFixed(0)} GB`,
        (seconds / 60).toFixed(1),
        mb(peak),
        compared.toLocaleString("en"),
        `${worst.toFixed(2)} last places`,
        (checkSeconds / 60).toFixed(1),
        mb(checkPeak),
      ]),
    ),
);
