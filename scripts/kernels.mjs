/**
 * Compiles kernels/assembly to kernels/build/kernels.wasm, unless what is there was made from the
 * same sources by the same compiler with the same flags.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const build = new URL("kernels/build/", root);
const entry = "kernels/assembly/kernels.ts";
const flags = ["-O3", "--converge", "--runtime", "stub", "--enable", "simd", "--noAssert", "--use", "abort="];

/** Path of an up-to-date kernels.wasm. Throws with the compiler's words when the sources do not compile. */
export async function buildKernels() {
  const wasm = new URL("kernels.wasm", build);
  const stamp = new URL("kernels.sha256", build);
  const sources = await readSources();
  const { version } = JSON.parse(await readFile(new URL("node_modules/assemblyscript/package.json", root), "utf8"));
  const digest = createHash("sha256")
    .update(JSON.stringify([version, flags, [...sources]]))
    .digest("hex");
  const [made, binary] = await Promise.all([stamp, wasm].map((file) => readFile(file).catch(() => null)));
  if (binary !== null && made?.toString() === `${digest} ${hashOf(binary)}`) return fileURLToPath(wasm);

  const compiled = await compile(sources);
  await mkdir(build, { recursive: true });
  await replace(wasm, compiled);
  await replace(stamp, `${digest} ${hashOf(compiled)}`);
  return fileURLToPath(wasm);
}

const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Text of every file the compiler may read, by path from the root. */
async function readSources() {
  const names = (await readdir(new URL("kernels/assembly/", root))).filter((name) => name.endsWith(".ts")).sort();
  const paths = names.map((name) => `kernels/assembly/${name}`);
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(new URL(path, root), "utf8")])));
}

async function compile(sources) {
  const { default: asc } = await import("assemblyscript/asc");
  let binary = null;
  const { error, stderr } = await asc.main([entry, "--outFile", "kernels.wasm", ...flags], {
    readFile: (name) => sources.get(name.replaceAll("\\", "/")) ?? null,
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === null) {
    throw new Error(`kernels/assembly does not compile.\n${stderr.toString()}`, { cause: error });
  }
  return binary;
}

/** Writes beside and renames, so that two builds at once never show half a file. */
async function replace(file, contents) {
  const draft = new URL(`${file.href}.${process.pid}.${Math.random().toString(36).slice(2)}`);
  await writeFile(draft, contents);
  await rename(draft, file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernels();
