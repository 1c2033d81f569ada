/** Runs one command and watches it: seconds, and the peak resident memory of the process and its children. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Resident bytes of a process tree, from /proc; 0 where there is none. */
function resident(pid) {
  try {
    const own = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
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
    }, 20);
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
