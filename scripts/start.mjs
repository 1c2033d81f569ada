/** `npm start`: install what is missing, build what is stale, serve the studio, open a browser where there is one. */
import { spawn } from "node:child_process";
import { build } from "./build.mjs";
import { root } from "./setup.mjs";

await build("app");
const { preview } = await import("vite");
const port = Number(process.env.PORT ?? 4173);
const server = await preview({
  root,
  preview: { port, strictPort: process.env.PORT !== undefined, host: "localhost" },
});
const address = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
console.log(`\nThe studio is at ${address}\nNothing leaves this machine. Ctrl-C stops it.`);

if (process.env.CI === undefined && process.stdout.isTTY && process.env.BROWSER !== "none") {
  const [command, args] =
    process.platform === "darwin"
      ? ["open", [address]]
      : process.platform === "win32"
        ? ["cmd", ["/c", "start", "", address]]
        : ["xdg-open", [address]];
  spawn(command, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
