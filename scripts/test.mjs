/**
 * `npm test`: everything, from a plain clone. Installs what is missing, then types, lint, unit and
 * engine tests (CPU, and WebGPU on the software adapter), then the browser from end to end. A step that
 * cannot be had fails with a sentence; nothing is skipped.
 */
import { build } from "./build.mjs";
import { lint, tool, types } from "./check.mjs";
import { ensureChromium } from "./chromium.mjs";
import { ensureInstalled } from "./setup.mjs";

const started = Date.now();
ensureInstalled();
const chromium = await ensureChromium();
const env = { CHROMIUM_PATH: chromium };
console.log(`Chromium: ${chromium}`);

const steps = [
  ["types", types],
  ["lint", lint],
  ["build", () => build("all", { quiet: true }).then(() => true)],
  ["unit tests and engine parity", () => tool("vitest/vitest.mjs", ["run"], env)],
  [
    "browser, end to end",
    () => tool("@playwright/test/cli.js", ["test", "--config", "test/e2e/playwright.config.ts"], env),
  ],
];

const failed = [];
for (const [name, step] of steps) {
  const at = Date.now();
  console.log(`\n== ${name}`);
  const ok = await Promise.resolve(step()).catch((error) => {
    console.error(error);
    return false;
  });
  console.log(`== ${name}: ${ok ? "passed" : "FAILED"} in ${((Date.now() - at) / 1000).toFixed(1)} s`);
  if (!ok) failed.push(name);
}
console.log(
  `\n${failed.length === 0 ? "All steps passed" : `Failed: ${failed.join(", ")}`} in ${((Date.now() - started) / 1000).toFixed(0)} s.`,
);
console.log(`steps: ${steps.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
