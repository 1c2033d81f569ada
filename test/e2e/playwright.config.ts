/** Real Chromium against the built studio, as `npm start` serves it. */
import { defineConfig } from "@playwright/test";

const executablePath = process.env.CHROMIUM_PATH;
/** Two checkouts can be tested at once on different ports. */
const port = process.env.E2E_PORT ?? "4174";

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results",
  timeout: 60_000,
  workers: 1,
  forbidOnly: process.env.CI !== undefined,
  reporter: [["list"]],
  use: {
    baseURL: `http://localhost:${port}/`,
    viewport: { width: 1440, height: 900 },
    // The tour has been taken, and pages come from the server: what starts by itself has tests of its own.
    storageState: {
      cookies: [],
      origins: [{ origin: `http://localhost:${port}`, localStorage: [{ name: "weightloom-tour", value: "seen" }] }],
    },
    serviceWorkers: "block",
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        "--no-sandbox",
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
      ],
    },
    trace: "retain-on-failure",
  },
  webServer: {
    command: "node scripts/start.mjs",
    cwd: "../..",
    url: `http://localhost:${port}/`,
    env: { PORT: port, CI: "1", BROWSER: "none" },
    reuseExistingServer: false,
    timeout: 120_000,
  },
});
