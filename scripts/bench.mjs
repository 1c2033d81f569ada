/**
 * `npm run bench [-- memory|speed [METHOD ...]]`: measures on this machine and prints tables. Files go to a temporary folder
 * (BENCH_DIR to choose the disk); results to bench/results.json.
 */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { memoryBench } from "../bench/memory.mjs";
import { speedBench } from "../bench/speed.mjs";
import { build } from "./build.mjs";
import { root } from "./setup.mjs";

const [which = "all", ...only] = process.argv.slice(2);
await build("cli");
const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
const results = { date: new Date().toISOString().slice(0, 10), machine };
const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
console.log(machine);

if (which === "all" || which === "speed") {
  results.speed = await speedBench(root, { only });
  const linear = results.speed.find(({ name }) => name.startsWith("linear"))?.seconds ?? Number.NaN;
  console.log(
    "\n| what | seconds (median of 3) | times linear | GB/s written | peak memory |\n| --- | ---: | ---: | ---: | ---: |",
  );
  for (const { name, seconds, bytes, written = bytes, peak } of results.speed) {
    console.log(
      `| ${name} | ${seconds.toFixed(2)} | ${(seconds / linear).toFixed(1)} | ${(written / seconds / 1e9).toFixed(2)} | ${peak === undefined ? "" : mb(peak)} |`,
    );
  }
}
if (which === "all" || which === "memory") {
  results.memory = await memoryBench(root);
  console.log("\n| 2 x 8 GB, sparse | seconds | peak memory | of which buffers |\n| --- | --- | --- | --- |");
  for (const { method, seconds, peak, buffers } of results.memory)
    console.log(`| ${method} | ${seconds.toFixed(1)} | ${mb(peak)} | ${mb(buffers)} |`);
}
writeFileSync(join(root, "bench/results.json"), `${JSON.stringify(results, null, 2)}\n`);
