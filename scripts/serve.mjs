/** Serves the built page from a process of its own, for programs that drive it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./setup.mjs";

/** @returns the server's process, once the page can be asked for */
export async function servePage(port) {
  const server = spawn(process.execPath, [join(root, "scripts/start.mjs")], {
    cwd: root,
    env: { ...process.env, PORT: port, CI: "1", BROWSER: "none" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve, reject) => {
    server.stdout.on("data", (data) => String(data).includes("The studio is at") && resolve());
    server.on("exit", () => reject(new Error("The page could not be served.")));
  });
  return server;
}
