/** Real Chromium against the built studio, as `npm start` serves it. */
import { defineConfig } from "@playwright/test";

const executablePath = process.env.CHROMIUM_PATH;
/** Two checkouts can be tested at once on different ports. */
const port = process.env.E2E_PORT ?? "4174";
/** The mock Hub, and its storage one further. */
const hub = 2 * Number(port);
const origin = (at: number) => `http://127.0.0.1:${at}`;

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
  webServer: [
    {
      command: "node test/e2e/hub-server.mjs",
      cwd: "../..",
      url: `${origin(hub)}/_mock/log`,
      env: { PORT: String(hub) },
      reuseExistingServer: false,
    },
    {
      command: "node scripts/start.mjs",
      cwd: "../..",
      url: `http://localhost:${port}/`,
      env: {
        PORT: port,
        CI: "1",
        BROWSER: "none",
        HF_ENDPOINT: origin(hub),
        HF_STORAGE: origin(hub + 1),
        VITE_HF_CLIENT_ID: "studio-of-tests",
      },
      reuseExistingServer: false,
      timeout: 120_000,
    },
  ],
});
