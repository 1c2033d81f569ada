/**
 * The studio in headless Chromium: the built page, models picked as folders from disk, a recipe dropped on it, merged on
 * the CPU into the browser's private storage, in a profile of its own.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "../scripts/chromium.mjs";
import { servePage } from "../scripts/serve.mjs";

const PORT = "4175";
const FLAGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
];

/** Opens the page with the models of some folders in it, or resolves to null with a sentence on standard error. */
export async function openStudio(folders) {
  const executablePath = await findChromium();
  if (executablePath === null) {
    console.error("The studio is left out: no Chromium was found (npm test gets one).");
    return null;
  }
  const { chromium } = await import("@playwright/test");
  const server = await servePage(PORT);
  // A profile on disk, as people have one: without, Chromium keeps private storage in another process's memory.
  const profile = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "weightloom-profile-"));
  const viewport = { width: 1440, height: 900 };
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, viewport });
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(600_000);
  // Without pickers the page asks for folders through an input, which can be driven.
  await page.addInitScript(() => {
    delete window.showDirectoryPicker;
    Object.defineProperty(Window.prototype, "showDirectoryPicker", {
      value: undefined,
      configurable: true,
      writable: true,
    });
  });
  await page.goto(`http://localhost:${PORT}/`);
  for (const folder of folders) {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Folder" }).first().click();
    await (await chooser).setFiles(folder);
    await page.locator(".card:not(.card-opening)").nth(folders.indexOf(folder)).waitFor();
  }
  return {
    /** Seconds from the press of the button to the written files, and the tab's peak memory. */
    merge: (text) => merge(page, text),
    close: async () => {
      await browser.close();
      server.kill();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function merge(page, text) {
  await page.evaluate((recipe) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([recipe], "bench.yml"));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, text);
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("cpu");
  const button = page.getByRole("button", { name: "Merge", exact: true });
  await page.waitForTimeout(1500);
  const pages = existsSync("/proc") ? renderers(process.pid) : [];
  for (const id of pages) forgetPeak(id);
  await button.click();
  await page.getByRole("heading", { name: "Merged and checked" }).waitFor();
  const peak = Math.max(0, ...pages.map(peakOf));
  const report = await page.locator(".result-counts").innerText();
  const profile = await page.locator("details.profile").evaluate((details) => {
    details.open = true;
    return details.innerText;
  });
  await page.getByRole("button", { name: "Close the report" }).click();
  const [, minutes = "0", rest] = /TIME\s+(?:(\d+) min )?([\d.]+) s/i.exec(report) ?? [];
  const seconds = 60 * Number(minutes) + Number(rest);
  if (!(seconds > 0)) throw new Error(`The report says no time: ${report}`);
  return { seconds, peak, profile };
}

/** Process ids of the pages of the browsers that a process has started. */
function renderers(parent) {
  const read = (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const below = (id) => {
    const threads = existsSync(`/proc/${id}/task`) ? readdirSync(`/proc/${id}/task`) : [];
    return threads
      .flatMap((task) => read(`/proc/${id}/task/${task}/children`).trim().split(" "))
      .filter(Boolean)
      .flatMap((child) => [child, ...below(child)]);
  };
  return below(parent).filter((id) => read(`/proc/${id}/cmdline`).includes("--type=renderer"));
}

/** Has the system forget how much memory a process took before. */
const forgetPeak = (id) => writeFileSync(`/proc/${id}/clear_refs`, "5");

/** Most resident bytes of a process since then. */
const peakOf = (id) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0) * 1024;
