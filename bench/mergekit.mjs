/**
 * mergekit to compare with: BENCH_PYTHON names a Python that has it, else an environment is made once beside this file
 * from requirements.txt. Without Python, or where packages cannot be had, there is nothing to compare with, and the
 * table says so.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;

/** The path of a Python with mergekit, or null with a sentence on standard error. */
export function ensureMergekit() {
  const own = join(here, ".venv");
  const python = process.env.BENCH_PYTHON ?? join(own, "bin/python");
  if (works(python)) return python;
  if (process.env.BENCH_PYTHON !== undefined) return without(`BENCH_PYTHON (${python}) has no mergekit.`);
  const system = ["python3.11", "python3.12", "python3"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (system === undefined) return without("There is no Python 3.");
  console.error("Making a Python environment with mergekit in bench/.venv; this takes minutes, once ...");
  if (!existsSync(own) && spawnSync(system, ["-m", "venv", own], { stdio: "inherit" }).status !== 0)
    return without("The environment could not be made (is python3-venv installed?).");
  const install = ["-m", "pip", "install", "--quiet", "-r", join(here, "requirements.txt")];
  if (spawnSync(python, install, { stdio: "inherit" }).status !== 0) return without("Its packages could not be had.");
  return works(python) ? python : without("It does not start.");
}

const works = (python) => spawnSync(python, ["-c", "import mergekit"]).status === 0;

function without(why) {
  console.error(`mergekit is left out: ${why}`);
  return null;
}

/** Arguments that run a recipe. */
export const mergekitArgs = (recipe, out) => [
  "-m",
  "mergekit.scripts.run_yaml",
  recipe,
  out,
  "--no-copy-tokenizer",
  "--no-write-model-card",
];
