/** Runs one command and watches it: seconds, and the peak resident memory of the process and its children. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds between two looks: looking takes time too. */
const LOOKS = 100;

/** Peak resident bytes of a process tree so far, from /proc; 0 where there is none. */
function resident(pid) {
  try {
    const own = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
    );
    return Number(own?.[1] ?? 0) * 1024 + children.reduce((sum, child) => sum + resident(child), 0);
  } catch {
    return 0;
  }
}

export function timed(command, args, options = {}) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    let errors = "";
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, resident(child.pid));
    }, LOOKS);
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.on("close", (code) => {
      clearInterval(watch);
      resolve({ code, seconds: (performance.now() - started) / 1000, peak, output, errors });
    });
  });
}

/** Merges a recipe with the command line in `cwd`, and removes what came out: how it went, with the report it printed. */
export async function merge(root, cwd, text, engine = "cpu") {
  writeFileSync(join(cwd, "recipe.yml"), text);
  const args = [join(root, "bin/weightloom.mjs"), "merge", "recipe.yml", "out", "--engine", engine, "--json"];
  const result = await timed(process.execPath, args, { cwd });
  rmSync(join(cwd, "out"), { recursive: true, force: true });
  if (result.code !== 0) throw new Error(`A merge failed: ${result.errors.slice(-2000)}\n${text}`);
  return { ...result, report: JSON.parse(result.output.trim().split("\n").at(-1)) };
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
