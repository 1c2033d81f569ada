/** `npm run check`: types of every realm, then lint and format. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled, root } from "./setup.mjs";

export const REALMS = ["core", "app", "cli", "test"];

/** Runs a package's command-line program with this Node; true when it succeeded. */
export function tool(path, args, env = {}) {
  const done = spawnSync(process.execPath, [join(root, "node_modules", path), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return done.status === 0;
}

export const types = () =>
  REALMS.filter((realm) => existsSync(join(root, realm, "tsconfig.json"))).every((realm) =>
    tool("typescript/bin/tsc", ["-p", `${realm}/tsconfig.json`]),
  );
export const lint = () => tool("@biomejs/biome/bin/biome", ["ci", "--error-on-warnings", "."]);

if (process.argv[1]?.endsWith("check.mjs")) {
  ensureInstalled();
  process.exit(types() && lint() ? 0 : 1);
}
