/**
 * One build, the studio; one dev server; and the projects of the unit tests. The page runs under a
 * strict content policy: scripts only from its own origin, connections to nowhere else but the Hub. The CPU engine
 * needs `wasm-unsafe-eval`, which allows WebAssembly and nothing more.
 *
 * Styles alone allow 'unsafe-inline': CodeMirror and Radix add <style> elements at run time, and a
 * nonce on a page served as a static file is the same for everyone, so it would protect nothing.
 */
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { hubOfBuild } from "./scripts/hub.mjs";
import { offline } from "./scripts/offline.mjs";

const hub = hubOfBuild(process.env);

/** @param trusted what lets no string become a script; the dev server would not work */
const policy = (
  script: string,
  connect: string,
  trusted = "; require-trusted-types-for 'script'; trusted-types default",
): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval'${script}`,
    "worker-src 'self' blob:",
    `connect-src 'self' ${hub.origins.join(" ")}${connect}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ].join("; ") + trusted;

const headers = (script = "", connect = "", trusted?: string): Record<string, string> => ({
  "Content-Security-Policy": policy(script, connect, trusted),
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
});

/** The same policy in the built page, for hosts that set no headers; frame-ancestors works only as a header. */
const policyInPage: Plugin = {
  name: "policy-in-page",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: {
        "http-equiv": "Content-Security-Policy",
        content: policy("", "").replace("frame-ancestors 'none'; ", ""),
      },
      injectTo: "head-prepend",
    },
  ],
};

export default defineConfig({
  base: "./",
  plugins: [react(), policyInPage, offline()],
  define: { __HUB__: JSON.stringify({ endpoint: hub.endpoint, clientId: hub.clientId }) },
  worker: { format: "es" },
  build: { outDir: "dist/app", target: "es2023", chunkSizeWarningLimit: 700 },
  // The dev server injects an inline script for fast refresh and talks to the page over a socket.
  server: { headers: headers(" 'unsafe-inline'", " ws:", "") },
  preview: { headers: headers() },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          environment: "node",
          // Two cores shared with others: a process to start, a device to open.
          testTimeout: 30_000,
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
        },
      },
    ],
  },
} as Parameters<typeof defineConfig>[0]);
