/**
 * A Hub for tests and for trying things out without one: two servers on this machine, the Hub itself and the storage behind it
 * on another origin, which answer as Hugging Face does in what this program uses of it: information, trees, search, files by
 * redirect to signed addresses that expire, gated and private models, tokens. Every fault is a switch (faults.mjs), set in
 * this process or by `PUT /_mock/faults`; `GET /_mock/log` tells what was asked.
 */
import { createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createFaults } from "./faults.mjs";
import { oauth } from "./oauth.mjs";
import { commitTo } from "./repos.mjs";
import { uploads } from "./uploads.mjs";

const EXPOSED =
  "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,Retry-After,RateLimit";

/**
 * @param {{ repos?: Map<string, any>, tokens?: Map<string, any>, port?: number, life?: number, page?: number, latency?: number }} options
 *   `life` of signed addresses in ms, `page` of trees in entries, `latency` of every answer in ms
 */
export async function startHub({
  repos = new Map(),
  tokens = new Map(),
  port = 0,
  life = 3_600_000,
  page = 1000,
  latency = 0,
} = {}) {
  const faults = createFaults();
  const secret = randomBytes(16);
  const log = [];
  const state = {
    repos,
    tokens,
    life,
    page,
    faults,
    log,
    endpoint: "",
    storage: "",
    uploaded: new Map(),
    parts: new Map(),
  };

  const sign = (text) => createHmac("sha256", secret).update(text).digest("hex").slice(0, 32);
  /** An address on the other origin that works for a while. */
  state.signed = (path, more = "") => {
    const expires = Date.now() + state.life;
    return `${state.storage}${path}?Expires=${expires}${more}&Signature=${sign(`${path} ${expires}${more}`)}`;
  };
  state.valid = (url) => {
    const expires = Number(url.searchParams.get("Expires"));
    const more = url.search.replace(/^\?Expires=\d+/, "").replace(/&Signature=.*$/, "");
    return url.searchParams.get("Signature") === sign(`${url.pathname} ${expires}${more}`) && expires > Date.now();
  };

  const serve = (name, handle) =>
    createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://mock");
      const entry = {
        host: name,
        method: request.method,
        path: url.pathname,
        range: request.headers.range ?? null,
        authorized: request.headers.authorization !== undefined,
        status: 0,
        bytes: 0,
      };
      if (!url.pathname.startsWith("/_mock")) log.push(entry);
      response.on("finish", () => {
        entry.status = response.statusCode;
      });
      const answer = createAnswer(request, response, entry);
      if (request.method === "OPTIONS") return answer.send(200, "");
      Promise.resolve(latency === 0 ? null : new Promise((next) => setTimeout(next, latency)))
        .then(() => handle(url, answer))
        .catch((error) => {
          if (!response.headersSent) answer.json(500, { error: String(error?.stack ?? error) });
          else response.destroy();
        });
    });

  const hub = serve("hub", (url, answer) => onHub(state, url, answer));
  const storage = serve("storage", (url, answer) => onStorage(state, url, answer));
  const listen = (server, at) =>
    new Promise((next) => server.listen(at, "127.0.0.1", () => next(server.address().port)));
  state.endpoint = `http://127.0.0.1:${await listen(hub, port)}`;
  state.storage = `http://127.0.0.1:${await listen(storage, port === 0 ? 0 : port + 1)}`;

  return {
    endpoint: state.endpoint,
    storage: state.storage,
    repos,
    tokens,
    log,
    /** Switches faults; none: all off. */
    set: (...some) => faults.set(some),
    /** Life of signed addresses from now on, ms. */
    signFor: (milliseconds) => {
      state.life = milliseconds;
    },
    /** Replaces the files of a model's main branch and forgets what was there. */
    replace: (name, files) => {
      const repo = repos.get(name);
      repo.commits.clear();
      commitTo(repo, "main", files);
    },
    clear: () => {
      log.length = 0;
    },
    /** Bytes that went out in bodies, all together. */
    sent: () => log.reduce((sum, { bytes }) => sum + bytes, 0),
    /** Requests to the storage that carried a token: must stay 0. */
    leaks: () => log.filter(({ host, authorized }) => host === "storage" && authorized).length,
    close: async () => {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((next) => server.close(next));
      }
    },
  };
}

function createAnswer(request, response, entry) {
  const open = (headers) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "authorization,range,content-type,accept,x-xet-session-id");
    response.setHeader("Access-Control-Allow-Methods", "GET,HEAD,POST,PUT,DELETE,OPTIONS");
    response.setHeader("Access-Control-Expose-Headers", EXPOSED);
    for (const [key, value] of Object.entries(headers)) response.setHeader(key, value);
  };
  const send = (status, body, headers = {}) => {
    open(headers);
    const bytes = Buffer.from(body);
    response.writeHead(status, { "Content-Length": bytes.length });
    entry.bytes += bytes.length;
    response.end(request.method === "HEAD" ? undefined : bytes);
  };
  return {
    request,
    response,
    entry,
    open,
    send,
    json: (status, value, headers = {}) =>
      send(status, JSON.stringify(value), { "Content-Type": "application/json; charset=utf-8", ...headers }),
    error: (status, code, message) =>
      send(status, JSON.stringify({ error: message }), {
        "Content-Type": "application/json; charset=utf-8",
        "X-Error-Message": message,
        ...(code === null ? {} : { "X-Error-Code": code }),
      }),
    body: async () => {
      const parts = [];
      for await (const part of request) parts.push(part);
      return Buffer.concat(parts);
    },
  };
}

/** Faults that need no file. @returns whether it struck */
export function trouble(state, where, answer) {
  const { busy, broken, offline } = state.faults.strike(where, ["busy", "broken", "offline"]);
  if (offline !== undefined) answer.response.destroy();
  else if (busy !== undefined) answer.send(429, "Too many requests", waiting(busy));
  else if (broken !== undefined) answer.send(broken.status ?? 503, "Service unavailable", waiting(broken));
  else return false;
  return true;
}

const waiting = ({ after, window }) => ({
  ...(after === undefined ? {} : { "Retry-After": String(after) }),
  ...(window === undefined ? {} : { RateLimit: `"api";r=0;t=${window}` }),
});

/** Who asks: null for nobody, undefined after an unknown token was refused. */
export function whoAsks(state, answer) {
  const [, token] = /^Bearer (.+)$/.exec(answer.request.headers.authorization ?? "") ?? [];
  if (token === undefined) return null;
  const user = state.tokens.get(token);
  if (user !== undefined) return user;
  answer.error(401, null, "Invalid credentials in Authorization header");
  return undefined;
}

/** The repository, or null after it was refused. */
export function findRepo(state, name, user, answer) {
  const repo = state.repos.get(name);
  const [owner] = name.split("/");
  const mine = user !== null && (user.name === owner || (user.orgs ?? []).includes(owner));
  if (repo !== undefined && (!repo.private || mine)) return repo;
  answer.error(user === null ? 401 : 404, "RepoNotFound", "Repository not found");
  return null;
}

/** The commit, or null after it was refused. */
function findCommit(repo, revision, answer) {
  const sha = repo.branches.get(revision === "HEAD" ? "main" : revision) ?? revision;
  if (repo.commits.has(sha)) return sha;
  answer.error(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
  return null;
}

async function onHub(state, url, answer) {
  const path = decodeURIComponent(url.pathname);
  if (path.startsWith("/_mock/")) return control(state, path, answer);
  if (await oauth(state, path, url, answer)) return;
  if (await uploads(state, path, url, answer, { trouble, whoAsks, findRepo })) return;
  const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
  if (resolve !== null) return onResolve(state, resolve, answer);
  const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(path);
  if (cached !== null) return onFile(state, cached, answer);
  if (!path.startsWith("/api/")) return answer.error(404, null, "Not found");
  if (trouble(state, "api", answer)) return;
  const user = whoAsks(state, answer);
  if (user === undefined) return;
  if (path === "/api/whoami-v2")
    return user === null
      ? answer.error(401, null, "Invalid username or password.")
      : answer.json(200, {
          type: "user",
          name: user.name,
          fullname: user.name,
          orgs: (user.orgs ?? []).map((name) => ({ name })),
        });
  if (path === "/api/models") return onSearch(state, url, user, answer);
  const tree = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)(?:\/(.*))?$/.exec(path);
  if (tree !== null) return onTree(state, url, tree, user, answer);
  const info = /^\/api\/models\/([^/]+\/[^/]+)(?:\/revision\/([^/]+))?$/.exec(path);
  if (info === null) return answer.error(404, null, "Not found");
  const repo = findRepo(state, info[1], user, answer);
  const sha = repo === null ? null : findCommit(repo, info[2] ?? "main", answer);
  if (sha !== null) answer.json(200, { ...describe(info[1], repo), sha });
}

async function control(state, path, answer) {
  if (path === "/_mock/faults") {
    state.faults.set(JSON.parse((await answer.body()).toString()));
    return answer.json(200, {});
  }
  if (path === "/_mock/life") {
    state.life = JSON.parse((await answer.body()).toString());
    return answer.json(200, {});
  }
  if (path === "/_mock/replace") {
    // The same files under a new commit; the old one is gone.
    const repo = state.repos.get(JSON.parse((await answer.body()).toString()));
    const files = repo.commits.get(repo.branches.get("main"));
    repo.commits.clear();
    commitTo(repo, "main", files);
    return answer.json(200, {});
  }
  if (path === "/_mock/clear") state.log.length = 0;
  return answer.json(200, state.log);
}

function describe(name, repo) {
  const files = repo.commits.get(repo.branches.get("main"));
  const weights = [...files].filter(([path]) => path.endsWith(".safetensors"));
  const bytes = weights.reduce((sum, [, { size }]) => sum + size, 0);
  return {
    _id: Buffer.from(name).toString("hex").padEnd(24, "0").slice(0, 24),
    id: name,
    private: repo.private,
    gated: repo.gated,
    pipeline_tag: repo.task,
    downloads: repo.downloads,
    likes: repo.likes,
    lastModified: repo.updated,
    tags: [...(weights.length > 0 ? ["safetensors"] : []), `license:${repo.licence}`],
    cardData: { license: repo.licence },
    ...(weights.length > 0
      ? { safetensors: { parameters: { BF16: Math.floor(bytes / 2) }, total: Math.floor(bytes / 2) } }
      : {}),
  };
}

function onSearch(state, url, user, answer) {
  const words = (url.searchParams.get("search") ?? "").toLowerCase();
  const task = url.searchParams.get("pipeline_tag");
  const author = url.searchParams.get("author");
  const filters = url.searchParams.getAll("filter");
  const sort = url.searchParams.get("sort") ?? "downloads";
  const found = [...state.repos]
    .filter(([name, repo]) => !repo.private || (user !== null && name.startsWith(`${user.name}/`)))
    .map(([name, repo]) => describe(name, repo))
    .filter(({ id }) => id.toLowerCase().includes(words) && (author === null || id.startsWith(`${author}/`)))
    .filter(
      (model) => (task === null || model.pipeline_tag === task) && filters.every((tag) => model.tags.includes(tag)),
    )
    .sort((a, b) => (sort === "lastModified" ? (a.lastModified < b.lastModified ? 1 : -1) : b[sort] - a[sort]));
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const limit = Number(url.searchParams.get("limit") ?? 500);
  const more = new URL(url.href.replace("http://mock", state.endpoint));
  more.searchParams.set("cursor", String(from + limit));
  const link = from + limit < found.length ? { Link: `<${more.href}>; rel="next"` } : {};
  answer.json(200, found.slice(from, from + limit), link);
}

function onTree(state, url, [, name, revision, folder], user, answer) {
  const repo = findRepo(state, name, user, answer);
  const sha = repo === null ? null : findCommit(repo, revision, answer);
  if (sha === null) return;
  const all = [...repo.commits.get(sha)].filter(([path]) => folder === undefined || path.startsWith(`${folder}/`));
  if (folder !== undefined && all.length === 0) return answer.error(404, "EntryNotFound", `${folder} does not exist`);
  const folders = new Set(all.flatMap(([path]) => (path.includes("/") ? [path.slice(0, path.lastIndexOf("/"))] : [])));
  const entries = [
    ...[...folders].map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
    ...all.map(([path, { size, oid, sha256, lfs }]) => ({
      type: "file",
      oid,
      size,
      path,
      ...(lfs ? { lfs: { oid: sha256, size, pointerSize: 135 } } : {}),
    })),
  ];
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const next = new URL(url.href.replace("http://mock", state.endpoint));
  next.searchParams.set("cursor", String(from + state.page));
  const link = from + state.page < entries.length ? { Link: `<${next.href}>; rel="next"` } : {};
  answer.json(200, entries.slice(from, from + state.page), link);
}

function onResolve(state, [, name, revision, path], answer) {
  if (trouble(state, "resolve", answer)) return;
  const user = whoAsks(state, answer);
  if (user === undefined) return;
  const repo = findRepo(state, name, user, answer);
  if (repo === null) return;
  if (repo.gated !== false && !(user?.accepted ?? []).includes(name))
    return answer.error(user === null ? 401 : 403, "GatedRepo", `Access to model ${name} is restricted.`);
  const sha = findCommit(repo, revision, answer);
  if (sha === null) return;
  const file = repo.commits.get(sha).get(path);
  if (file === undefined) return answer.error(404, "EntryNotFound", "Entry not found");
  const headers = {
    "X-Repo-Commit": sha,
    "X-Linked-Size": String(file.size),
    "X-Linked-ETag": `"${file.lfs ? file.sha256 : file.oid}"`,
  };
  const to = file.lfs
    ? state.signed(`/${encodeURIComponent(name)}/${sha}/${path.split("/").map(encodeURIComponent).join("/")}`)
    : `/api/resolve-cache/models/${name}/${sha}/${path.split("/").map(encodeURIComponent).join("/")}`;
  answer.send(file.lfs ? 302 : 307, `Redirecting to ${to}`, { ...headers, Location: to });
}

async function onStorage(state, url, answer) {
  if (answer.entry.authorized) return answer.send(400, "Only one auth mechanism allowed");
  if (answer.request.method === "PUT") return uploads.onStorage(state, url, answer, trouble);
  if (trouble(state, "cdn", answer)) return;
  const { expired } = state.faults.strike("cdn", ["expired"]);
  if (!state.valid(url) || expired !== undefined) return answer.send(403, "<Error><Code>AccessDenied</Code></Error>");
  const [, name = "", sha = "", ...path] = url.pathname.split("/").map(decodeURIComponent);
  return onFile(state, [null, name, sha, path.join("/")], answer);
}

/** The bytes of a file, with whatever is switched on. */
async function onFile(state, [, name, sha, path], answer) {
  const file = state.repos.get(name)?.commits.get(sha)?.get(path);
  if (file === undefined) return answer.error(404, "EntryNotFound", "Entry not found");
  const where = answer.entry.host === "hub" ? "resolve" : "cdn";
  const struck = state.faults.strike(where, [
    "reset",
    "short",
    "part",
    "shifted",
    "whole",
    "etag",
    "slow",
    "silent",
    "hidden",
  ]);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(answer.request.headers.range ?? "") ?? [];
  const ranged = first !== undefined && struck.whole === undefined;
  const start = ranged ? Number(first) : 0;
  let end = ranged && last !== "" ? Math.min(file.size, Number(last) + 1) : file.size;
  if (ranged && (start >= file.size || end <= start))
    return answer.send(416, "", { "Content-Range": `bytes */${file.size}` });
  if (struck.part !== undefined) end = Math.min(end, start + struck.part.bytes);
  const says = struck.shifted === undefined ? start : start + 1;
  answer.open({
    ETag: struck.etag === undefined ? `"${file.lfs ? file.sha256 : file.oid}"` : `"changed-${struck.etag.left}"`,
    "Accept-Ranges": "bytes",
    "Content-Type": "application/octet-stream",
    ...(where === "resolve" ? { "X-Repo-Commit": sha } : {}),
    ...(ranged ? { "Content-Range": `bytes ${says}-${says + end - start - 1}/${file.size}` } : {}),
    // A body of a said length that ends early is a lost connection; without one, it is just short.
    ...(struck.short === undefined ? { "Content-Length": String(end - start) } : {}),
  });
  if (struck.hidden !== undefined) answer.response.removeHeader("Access-Control-Expose-Headers");
  answer.response.writeHead(ranged ? 206 : 200);
  if (answer.request.method === "HEAD") return answer.response.end();
  await body(file, start, end, struck, answer);
}

const CHUNK = 256 * 1024;

async function body(file, start, end, { reset, short, slow, silent }, { response, entry }) {
  const cut = reset ?? short ?? silent;
  const stop = cut === undefined ? end : Math.min(end, start + (cut.bytes ?? 0));
  if (silent !== undefined) response.flushHeaders();
  const step = slow === undefined ? CHUNK : Math.max(1, Math.floor(slow.rate / 20));
  for (let at = start; at < stop && !response.destroyed; at += step) {
    const part = file.read(at, Math.min(stop, at + step));
    entry.bytes += part.length;
    if (!response.write(part)) await new Promise((next) => response.once("drain", next).once("close", next));
    if (slow !== undefined) await new Promise((next) => setTimeout(next, 50));
  }
  if (reset !== undefined && stop < end) {
    // What was written should arrive before the cut.
    await new Promise((next) => setTimeout(next, 10));
    return response.destroy();
  }
  if (silent !== undefined && stop < end) return;
  response.end();
}
