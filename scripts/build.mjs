/**
 * Builds what is out of date: the SIMD kernels, the command line, the studio. `build.mjs` makes all;
 * `build.mjs kernels|cli|app` makes that part (and the kernels it stands on).
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hubOfBuild } from "./hub.mjs";
import { ensureInstalled, root } from "./setup.mjs";

const SOURCES = [
  "app",
  "cli",
  "core",
  "methods",
  "shaders",
  "workers",
  "kernels",
  "public",
  "index.html",
  "package-lock.json",
  "vite.config.ts",
  "scripts/hub.mjs",
];

/** Newest change under a path, ms. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const stale = (product) => {
  const made = join(root, product);
  return !existsSync(made) || statSync(made).mtimeMs < Math.max(...SOURCES.map((source) => newest(join(root, source))));
};

/** The studio is built for one Hub; another makes it stale. */
const BUILT_FOR = "dist/app.hub.json";
const builtFor = () => (existsSync(join(root, BUILT_FOR)) ? readFileSync(join(root, BUILT_FOR), "utf8") : "");

/** Loaded only when there is something to build: it takes longer to load than the whole command line. */
const vite = async (options) => (await import("vite")).build(options);

export async function build(part = "all", { quiet = false } = {}) {
  ensureInstalled();
  const { buildKernels } = await import("./kernels.mjs");
  await buildKernels();
  const logLevel = quiet ? "error" : "warn";
  if ((part === "all" || part === "cli") && stale("dist/cli/weightloom.js")) {
    await vite({
      root,
      configFile: false,
      logLevel,
      publicDir: false,
      build: {
        ssr: true,
        outDir: "dist/cli",
        target: "node20",
        minify: false,
        rollupOptions: {
          input: { weightloom: join(root, "cli/main.ts"), lane: join(root, "cli/lane.ts") },
          external: ["webgpu"],
          output: { entryFileNames: "[name].js" },
        },
      },
      ssr: { noExternal: true, external: ["webgpu"] },
    });
    mkdirSync(join(root, "dist/cli"), { recursive: true });
    for (const name of ["kernels.wasm", "kernels.shared.wasm"])
      cpSync(join(root, "kernels/build", name), join(root, "dist/cli", name));
  }
  const hub = JSON.stringify(hubOfBuild(process.env));
  if ((part === "all" || part === "app") && (stale("dist/app/index.html") || builtFor() !== hub)) {
    await vite({ root, logLevel, configFile: join(root, "vite.config.ts") });
    writeFileSync(join(root, BUILT_FOR), hub);
  }
}

if (process.argv[1]?.endsWith("build.mjs")) await build(process.argv[2]);
