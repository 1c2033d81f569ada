import type { Plugin } from "vite";

/** Builds the service worker and tells it which files are the page. */
export function offline(): Plugin;
