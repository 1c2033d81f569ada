/** Who may import whom. Reads every import and fails on one that goes up a floor. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** A room (the longest prefix that fits) and what it may import besides itself. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "core/errors.ts": [],
  "core/clock.ts": [],
  "core/units.ts": ["core/errors.ts"],
  "core/bytes": ["core/errors.ts"],
  "core/hub": ["core/bytes", "core/formats", "core/errors.ts", "core/units.ts"],
  "core/formats": ["core/bytes", "core/errors.ts", "core/units.ts", "core/plan/plan.ts"],
  "core/model": ["core/formats", "core/bytes", "core/errors.ts", "core/units.ts", "core/plan/plan.ts"],
  "core/graph": ["core/bytes", "core/errors.ts"],
  "core/method.ts": ["core/graph", "core/errors.ts"],
  "core/recipe": ["core/method.ts", "core/model/model.ts", "core/errors.ts"],
  "core/extract": ["core/formats", "core/model", "core/bytes", "core/errors.ts", "core/units.ts"],
  "core/tokenizer": [
    "core/recipe/recipe.ts",
    "core/model",
    "core/formats",
    "core/bytes",
    "core/errors.ts",
    "core/plan/plan.ts",
  ],
  "core/plan": [
    "core/tokenizer/plan.ts",
    "core/recipe",
    "core/model",
    "core/formats",
    "core/graph",
    "core/method.ts",
    "core/bytes",
    "core/errors.ts",
    "core/units.ts",
  ],
  "core/moe": [
    "core/plan",
    "core/recipe",
    "core/model",
    "core/formats",
    "core/graph",
    "core/bytes",
    "core/errors.ts",
    "core/engine/plain/philox.ts",
    "core/tokenizer/encode.ts",
  ],
  "core/doctor": ["core/model", "core/recipe/recipe.ts", "core/formats", "core/bytes", "core/errors.ts"],
  "core/prepare.ts": ["core/plan", "core/moe", "core/tokenizer", "core/recipe", "core/model"],
  "core/engine": ["core/graph", "core/bytes", "core/clock.ts", "core/errors.ts", "shaders"],
  "core/run": [
    "core/plan",
    "core/engine/engine.ts",
    "core/engine/agree.ts",
    "core/clock.ts",
    "core/formats",
    "core/model",
    "core/graph",
    "core/method.ts",
    "core/bytes",
    "core/errors.ts",
    "core/units.ts",
  ],
  methods: ["core/method.ts", "core/graph", "core/errors.ts"],
  "methods/presets.ts": ["core/recipe", "core/errors.ts", "methods/averages.ts"],
  "methods/pairs.ts": ["core/recipe/recipe.ts", "core/errors.ts"],
  workers: ["core", "methods", "kernels/build"],
  cli: ["core", "methods"],
  app: [
    "workers/api.ts",
    "workers/built.ts",
    "workers/client.ts",
    "workers/trusted.ts",
    "core/hub/name.ts",
    "core/run/sums.ts",
    "methods",
    "core/recipe",
    "core/doctor",
    "core/model/model.ts",
    "core/method.ts",
    "core/clock.ts",
    "core/errors.ts",
    "core/units.ts",
    "core/bytes/dtype.ts",
  ],
};

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|new URL\("([^"]+\.ts)"/g;

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const roomOf = (path: string) =>
  Object.keys(FLOORS)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];

const files = ["core", "methods", "workers", "cli", "app"].flatMap(filesIn);

test("every file belongs to a room", () => {
  expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
});

test("no import goes up a floor", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = roomOf(file) ?? "";
    for (const [, from, dynamic, url] of readFileSync(join(root, file), "utf8").matchAll(IMPORT)) {
      const target = from ?? dynamic ?? url ?? "";
      if (!target.startsWith(".")) continue;
      const path = relative(root, resolve(dirname(join(root, file)), target.replace(/\?.*$/, ""))).replaceAll(
        "\\",
        "/",
      );
      const allowed = [room, ...(FLOORS[room] ?? [])];
      if (!allowed.some((one) => path === one || path.startsWith(`${one}/`))) wrong.push(`${file} imports ${path}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("core, methods and kernels name no platform", () => {
  const platform = /from "(node:|react|vite|comlink)/;
  expect(
    files.filter((file) => /^(core|methods)\//.test(file) && platform.test(readFileSync(join(root, file), "utf8"))),
  ).toEqual([]);
});

test("core names no method", () => {
  const names = /"(linear|slerp|task_arithmetic|ties|dare_linear|dare_ties)"/;
  expect(
    files.filter((file) => file.startsWith("core/") && names.test(readFileSync(join(root, file), "utf8"))),
  ).toEqual([]);
});
