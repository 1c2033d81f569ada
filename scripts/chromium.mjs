/**
 * Finds a Chromium for the browser tests, and gets one where there is none: Playwright's own download
 * first, then, as root on a Debian-like system, the system's package.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fail, root } from "./setup.mjs";

const SYSTEM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

async function playwrights() {
  const { chromium } = await import("@playwright/test");
  return chromium.executablePath();
}

/** The path of a Chromium that exists, or null. */
export async function findChromium() {
  const candidates = [process.env.CHROMIUM_PATH, await playwrights(), ...SYSTEM];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path)) ?? null;
}

export async function ensureChromium() {
  const found = await findChromium();
  if (found !== null && (await hasVulkanLoader())) return found;
  if (found === null) {
    console.log("No Chromium found; asking Playwright for its own ...");
    const options = { cwd: root, stdio: "inherit", timeout: 300_000 };
    spawnSync(process.execPath, ["node_modules/@playwright/test/cli.js", "install", "chromium"], options);
  }
  if ((await findChromium()) === null || !(await hasVulkanLoader())) aptInstall();
  const now = await findChromium();
  if (now === null)
    fail("No Chromium could be had, so the browser tests cannot run. Install Chromium and set CHROMIUM_PATH to it.");
  return now;
}

function aptInstall() {
  const isDebian = existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
  if (!isDebian) return;
  console.log("Installing the system's Chromium and Vulkan loader ...");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const quiet = ["-qq", "-o", "Dpkg::Use-Pty=0"];
  spawnSync("apt-get", [...quiet, "update"], { stdio: "inherit", env });
  spawnSync("apt-get", [...quiet, "install", "-y", "--no-install-recommends", "chromium", "libvulkan1"], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
}

/** Dawn in Node loads libvulkan by itself; only Linux needs it. */
async function hasVulkanLoader() {
  if (process.platform !== "linux") return true;
  const listed = spawnSync("sh", ["-c", "ldconfig -p 2>/dev/null | grep -q libvulkan.so.1"]);
  return listed.status === 0;
}
