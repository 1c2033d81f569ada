/** `npm run fuzz [-- SECONDS [TARGET]]`: mutated files against every reader, a minute each unless told otherwise. */
import { tool } from "./check.mjs";
import { ensureInstalled, fail } from "./setup.mjs";

const [seconds = "60", target] = process.argv.slice(2);
if (!(Number(seconds) > 0))
  fail(`"${seconds}" is no number of seconds. Say npm run fuzz -- 3600 safetensors, for example.`);
ensureInstalled();
const only = target === undefined ? [] : ["-t", `^${target} files that are almost right`];
process.exit(tool("vitest/vitest.mjs", ["run", "test/fuzz", ...only], { FUZZ_SECONDS: seconds }) ? 0 : 1);
