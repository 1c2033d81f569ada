/**
 * Makes a plain clone ready: installs exactly what the lockfile says when node_modules is missing or
 * was installed from another lockfile. Cheap when there is nothing to do.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockfile = join(root, "package-lock.json");
const stamp = join(root, "node_modules", ".weightloom-lock");

export function ensureInstalled() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      `Weightloom needs Node 20.19 or newer; this is ${process.versions.node}. Install a current Node and run the command again.`,
    );
  }
  const wanted = createHash("sha256").update(readFileSync(lockfile)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("Installing packages (exactly as package-lock.json says) ...");
  run(
    "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    "Installing packages failed. Is the npm registry in reach?",
  );
  writeFileSync(stamp, wanted);
}

/** Runs a command in the repository with its output shown; ends the process with a sentence if it fails. */
export function run(command, args, sentence, env = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
    env: { ...process.env, ...env },
  });
  if (done.status !== 0) fail(sentence);
}

export function fail(sentence) {
  console.error(`\n${sentence}`);
  process.exit(1);
}
