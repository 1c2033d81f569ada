/**
 * WebGPU in Node: Dawn, from the optional package `webgpu`, on whatever Vulkan, Metal or Direct3D
 * driver the machine has; failing that, on the software driver that comes with Chromium. The process
 * can exit as soon as nobody holds the returned object.
 */
import { existsSync, readdirSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "../core/engine/gpu/device.ts";

const ICD = "vk_swiftshader_icd.json";

/** A GPU object with an adapter behind it, or null when the package or every driver is missing. */
export async function openDawn(): Promise<GPU | null> {
  const dawn = await import("webgpu").catch(() => null);
  if (dawn === null) return null;
  Object.assign(globalThis, dawn.globals);
  // Vulkan's loader insists on it.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();

  const own = dawn.create([]);
  const adapter = await own.requestAdapter({ powerPreference: "high-performance" });
  const chosen = process.env.VK_ICD_FILENAMES !== undefined || process.env.VK_DRIVER_FILES !== undefined;
  if (adapter !== null && (chosen || !describe(adapter).software)) return own;

  const icd = chosen ? undefined : softwareDrivers().find((path) => existsSync(path));
  if (icd === undefined) return adapter === null ? null : own;
  process.env.VK_ICD_FILENAMES = icd;
  const software = dawn.create(["backend=vulkan"]);
  if ((await software.requestAdapter()) !== null) return software;
  delete process.env.VK_ICD_FILENAMES;
  return adapter === null ? null : own;
}

/** Where Chromium keeps its software Vulkan driver: installed, or fetched by Playwright. */
function softwareDrivers(): string[] {
  const browsers = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), ".cache", "ms-playwright");
  const fetched = listed(browsers)
    .filter((name) => name.startsWith("chromium"))
    .flatMap((name) => listed(join(browsers, name)).map((folder) => join(browsers, name, folder)));
  return [
    "/usr/lib/chromium",
    "/usr/lib64/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    ...fetched,
  ].map((folder) => join(folder, ICD));
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
