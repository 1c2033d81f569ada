/**
 * The service worker: keeps the page's own files, so that the studio opens without a network. The build puts the list
 * of them in; a changed file changes the list, and with it this worker, which is how browsers learn of a new version.
 * Models are never among them: neither the samples nor anything that a person opened or the Hub sent.
 */

export {};

declare const self: ServiceWorkerGlobalScope;
/** Paths below the page, and a digest of all they hold. */
declare const __OFFLINE__: { readonly files: readonly string[]; readonly version: string };

const { files, version } = __OFFLINE__;
const PREFIX = "weightloom-page-";
const NAME = `${PREFIX}${version}`;
const kept = new Set(files.map((file) => new URL(file, self.registration.scope).href));
const page = new URL("./", self.registration.scope).href;

self.addEventListener("install", (event) => {
  event.waitUntil(
    // "reload": past the browser's own cache, which may hold files of another version.
    caches.open(NAME).then((cache) => cache.addAll([...kept].map((url) => new Request(url, { cache: "reload" })))),
  );
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = request.url.replace(/[?#].*$/, "");
  if (request.mode === "navigate") event.respondWith(newest(request));
  else if (kept.has(url)) event.respondWith(first(url, request));
});

/** The page itself comes from the network while there is one, so that a new version is seen at once. */
async function newest(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const stored = await (await caches.open(NAME)).match(page);
    if (stored === undefined) throw error;
    return stored;
  }
}

/** Its other files carry a digest in their name or change with this worker: what is kept is right. */
async function first(url: string, request: Request): Promise<Response> {
  return (await (await caches.open(NAME)).match(url)) ?? fetch(request);
}
