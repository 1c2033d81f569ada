/**
 * Compiles kernels/assembly to kernels/build, unless what is there was made from the same sources by the same
 * compiler with the same flags.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const build = new URL("kernels/build/", root);
const entry = "kernels/assembly/kernels.ts";
const flags = ["-O3", "--converge", "--runtime", "stub", "--enable", "simd", "--noAssert", "--use", "abort="];
/** The same kernels twice: with a memory of their own, and in one that threads share. */
const variants = {
  "kernels.wasm": [],
  "kernels.shared.wasm": [
    ...["--enable", "threads", "--importMemory", "--sharedMemory"],
    ...["--initialMemory", "1", "--maximumMemory", "65536"],
  ],
};

/** Brings both up to date. Throws with the compiler's words when the sources do not compile. */
export async function buildKernels() {
  const stamp = new URL("kernels.sha256", build);
  const sources = await readSources();
  const { version } = JSON.parse(await readFile(new URL("node_modules/assemblyscript/package.json", root), "utf8"));
  const digest = createHash("sha256")
    .update(JSON.stringify([version, flags, variants, [...sources]]))
    .digest("hex");
  const names = Object.keys(variants);
  const [made, ...binaries] = await Promise.all(
    [stamp, ...names.map((name) => new URL(name, build))].map((file) => readFile(file).catch(() => null)),
  );
  if (binaries.every((one) => one !== null) && made?.toString() === [digest, ...binaries.map(hashOf)].join(" ")) return;

  await mkdir(build, { recursive: true });
  const hashes = [];
  for (const name of names) {
    const compiled = await compile(sources, variants[name]);
    await replace(new URL(name, build), compiled);
    hashes.push(hashOf(compiled));
  }
  await replace(stamp, [digest, ...hashes].join(" "));
}

const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Text of every file the compiler may read, by path from the root. */
async function readSources() {
  const names = (await readdir(new URL("kernels/assembly/", root))).filter((name) => name.endsWith(".ts")).sort();
  const paths = names.map((name) => `kernels/assembly/${name}`);
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(new URL(path, root), "utf8")])));
}

async function compile(sources, more) {
  const { default: asc } = await import("assemblyscript/asc");
  let binary = null;
  const { error, stderr } = await asc.main([entry, "--outFile", "kernels.wasm", ...flags, ...more], {
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
