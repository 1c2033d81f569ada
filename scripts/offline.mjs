/**
 * Builds the service worker beside the page and tells it which files are the page: everything the build wrote and
 * everything in public/ but the sample models.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = "workers/offline.worker.ts";
const OUTPUT = "offline.js";

/** Files below a folder, with forward slashes. */
function filesBelow(folder, prefix = "") {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, `${path}/`) : [path];
  });
}

/** @returns {import("vite").Plugin} */
export function offline() {
  let publicDir = "";
  return {
    name: "offline",
    apply: "build",
    configResolved(config) {
      publicDir = config.publicDir;
    },
    buildStart() {
      this.emitFile({ type: "chunk", id: SOURCE, fileName: OUTPUT });
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const worker = bundle[OUTPUT];
        const hash = createHash("sha256");
        const built = Object.values(bundle).filter(({ fileName }) => fileName !== OUTPUT && !fileName.endsWith(".map"));
        for (const one of built) hash.update(one.fileName).update(one.type === "chunk" ? one.code : one.source);
        const shipped = filesBelow(publicDir).filter((path) => !path.startsWith("samples/"));
        for (const path of shipped) hash.update(path).update(readFileSync(join(publicDir, path)));
        // The page is asked for by its folder, as people do.
        const files = [...built.map(({ fileName }) => fileName), ...shipped]
          .map((path) => (path === "index.html" ? "./" : path))
          .sort();
        const value = JSON.stringify({ files, version: hash.digest("hex").slice(0, 16) });
        if (!worker.code.includes("__OFFLINE__")) throw new Error(`${OUTPUT} has no place for the list of files`);
        worker.code = worker.code.replace("__OFFLINE__", () => value);
      },
    },
  };
}
